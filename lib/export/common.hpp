// What the targets share: images, what runs once, names, texts of extensions, contents.
#pragma once

#include "export/report.hpp"

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace davit::exports {

using Document = nlohmann::ordered_json;

// What an export needs besides its files.
struct Facts {
    std::vector<ExportedImage> images;
    std::vector<std::string> workloads;
};

struct Scope {
    const Project& project;
    const ExportOptions& options;
    Report& report;
    Facts& facts;
};

// Keys that loading has settled, and those that are about the machine where one develops.
inline constexpr std::string_view settled = "settled when the file is read";
inline constexpr std::string_view left_out = "left out";

// images.cpp: the image to run; that of a service that is built gets a name below --registry.
std::string image_of(const Scope& scope, const Service& service);
const Service* builder_of(const Project& project, const Service& service); // of its image; nullptr: none of the project
std::string image_name(const std::string& project, const std::string& service); // of what is built without one
// What is executed. An entrypoint that is written as nothing leaves the command alone in Docker; elsewhere it is as if
// it were not written, and the image's would run.
struct Executed {
    std::optional<std::vector<std::string>> entrypoint, command;
};
Executed executed(const Scope& scope, const Service& service);
// It ends, and is not started again when it has: others wait for its end, or its restart policy says so.
bool runs_once(const Project& project, const Service& service);
// A condition that the engine does not keep: that another one has only begun is no loss, the others are.
void note_no_order(const Scope& scope, const std::string& path, const Dependency& dependency, std::string why,
                   std::string hint);
// Disabled services, and environment variables that look like secrets.
void note_common(const Scope& scope);

// Where one develops: 127.0.0.1 of one machine is nobody's elsewhere, and is not to become everybody's.
bool is_loopback(const Port& port);
// Ports that are not published elsewhere: of the loopback address, and free ones of one machine.
void note_inner_ports(const Scope& scope, const Service& service);

// asked.cpp
bool meet(const Service& a, const Service& b); // on a network
bool speaks_of(const Service& client, const std::string& name);
std::vector<std::string> clients_of(const Project& project, const Service& service, const std::string& name);
// Ports of a service by which others call it, "db:5433", and which are not among those that it has
// there.
void note_asked_ports(const Scope& scope, const Service& service, const std::set<std::uint32_t>& named,
                      const std::string& way);

std::string key_path(const Service& service, std::string_view key);

std::int64_t whole_seconds(std::chrono::nanoseconds time); // rounded up
std::string short_hash(std::string_view bytes);            // 8 hex digits
// 8 hex digits that differ when the value does, and say nothing of it to who has not the key.
std::string secret_version(std::string_view key, std::string_view name, std::string_view value);
// Lower case letters, digits and dashes that begin with a letter and end with none of the latter.
std::string dns_label(std::string_view name, std::size_t most = 63);
// Names for all, made legal and told apart: "my_db" and "my-db" are my-db and my-db-2.
std::map<std::string, std::string> dns_labels(const std::vector<std::string>& names, std::size_t most = 63);
std::string shell_quoted(std::string_view text);

// Extensions.
std::string text_of(const Extensions& from, const std::string& key, std::string otherwise = {});
bool flag_of(const Extensions& from, const std::string& key, bool otherwise = false);
std::vector<std::string> list_of(const Extensions& from, const std::string& key);
const Value* find_member(const Value& map, std::string_view key);
std::string text_of(const Value& value);

// A config's content; nullopt is noted.
std::optional<std::string> config_content(const Scope& scope, const FileObject& config);

std::string yaml_of(const Document& document);
std::string yaml_of(const std::vector<Document>& documents); // with --- between
std::string json_of(const Document& document);

} // namespace davit::exports
