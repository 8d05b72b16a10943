#include "engine/events/record.hpp"

#include "base/sys.hpp"

namespace davit {

void record_event(const Roots& roots, const JournalLine& line) { EventJournal(roots, objects_journal).append(line); }

void record_image_event(const Roots& roots, const std::string& action, const std::string& id, const std::string& name,
                        const Labels& labels) {
    std::map<std::string, std::string> attributes(labels.begin(), labels.end());
    attributes["name"] = name;
    record_event(roots, {sys::realtime_ns(), "image", action, id, std::move(attributes)});
}

void record_prune(const Roots& roots, const std::string& type, std::uint64_t bytes) {
    record_event(roots, {sys::realtime_ns(), type, "prune", "", {{"reclaimed", std::to_string(bytes)}}});
}

void record_event(const Roots& roots, const ContainerInfo& container, const std::string& action,
                  std::map<std::string, std::string> attributes) {
    attributes.insert(container.labels.begin(), container.labels.end());
    attributes["image"] = container.image;
    attributes["name"] = container.name;
    EventJournal(roots, container.project)
        .append(JournalLine{sys::realtime_ns(), "container", action, container.id, std::move(attributes)});
}

} // namespace davit
