// Values of flags in their long and short forms. All throw Error(usage) with docker's text.
#pragma once

#include "davit/service_flags.hpp"
#include "davit/service_parts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::stack {

std::vector<swarm::PortConfig> port_value(const std::string& text);
// Of `service create`, or of `docker run`: there it is a volume unless it says otherwise, and the engine judges the
// rest.
enum class MountOf { service, container };
// directory: what a source that begins with "./" is relative to.
swarm::Mount mount_value(const std::string& text, const std::string& directory, MountOf of = MountOf::service);
// endpoint: gets the addresses that only containers may ask for.
swarm::NetworkAttachment network_value(const std::string& text, ServiceNetwork* endpoint = nullptr);
swarm::FileReference file_value(const std::string& text, bool config);
swarm::Ulimit ulimit_value(const std::string& text);
std::string host_value(const std::string& text); // "1.2.3.4 name" of "name:1.2.3.4"
swarm::GenericResource resource_value(const std::string& text);
std::string preference_value(const std::string& text); // the descriptor
void set_credential(const std::string& text, swarm::Privileges& out);
std::uint64_t number_value(const std::string& text);
double ratio_value(const std::string& text);
std::int64_t duration_value(const std::string& text);
std::int64_t cpus_value(const std::string& text);
std::int64_t bytes_value(const std::string& text);
std::int64_t integer_value(const std::string& text);
std::vector<std::string> words_value(const std::string& text);
bool boolean_value(const std::string& text);
void check_label(const std::string& text); // of a command line: its name is given and is one word

// Fields of a line of comma-separated values; a field in double quotes may have commas.
std::vector<std::string> csv_fields(const std::string& line);

} // namespace davit::stack
