// What clients themselves do, for the journals: the supervisor does not see it.
#pragma once

#include "davit/container.hpp"
#include "project/event_journal.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace davit {

// Of images, networks and volumes.
void record_event(const Roots& roots, const JournalLine& line);
void record_image_event(const Roots& roots, const std::string& action, const std::string& id, const std::string& name,
                        const Labels& labels = {});
// That what was not used of a type was removed, and how many bytes that gave back.
void record_prune(const Roots& roots, const std::string& type, std::uint64_t bytes);
// Of a container, with its labels, image and name.
void record_event(const Roots& roots, const ContainerInfo& container, const std::string& action,
                  std::map<std::string, std::string> attributes = {});

} // namespace davit
