// What a client prepares once for each version of a service's task, and its supervisor makes every task's container
// from: services/<id>/templates/<n>/ holds template.json (this), and record.json, config.json, plan.bin, health.bin as
// they are staged for a container, with holes where tasks differ.
#pragma once

#include "swarm/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::swarm {

// What one task fills the holes with.
struct HoleValues {
    std::string container_id; // 64 hex digits
    std::string task_id;
    std::uint64_t slot = 0;
    std::string task_name; // web.1.<task id>: the container's name
    std::string node_id, node_hostname;
    std::vector<std::string> volumes; // names of its anonymous volumes
};

// How holes are spelled: with digits that each template draws anew, so that no text of a user's looks like one. They
// may stand in names, paths, host names and JSON.
class Holes {
public:
    explicit Holes(std::string mark) : mark_(std::move(mark)) {}
    static Holes fresh();
    const std::string& mark() const { return mark_; }

    std::string container_id() const { return hole("c"); }
    std::string short_id() const { return hole("s"); } // its first twelve digits
    std::string task_id() const { return hole("t"); }
    std::string slot() const { return hole("n"); }
    std::string task_name() const { return hole("m"); }
    std::string node_id() const { return hole("i"); }
    std::string node_hostname() const { return hole("h"); }
    std::string volume(std::size_t n) const { return hole("v" + std::to_string(n)); }
    // One of two texts, which may have holes, as a condition says for the task. Where the hole stands in JSON they must
    // have nothing that JSON escapes.
    std::string choice(const std::string& condition, const std::string& then, const std::string& otherwise) const;
    // Conditions, from texts that may have holes.
    static std::string equal(const std::string& a, const std::string& b);
    static std::string negated(const std::string& condition);
    static std::string both(const std::string& a, const std::string& b);
    static std::string either(const std::string& a, const std::string& b);

    // The text with its holes filled; nothing: it has none.
    std::optional<std::string> fill(std::string_view text, const HoleValues& values) const;
    std::string filled(const std::string& text, const HoleValues& values) const {
        return fill(text, values).value_or(text);
    }

private:
    std::string hole(const std::string& key) const { return mark_ + key + "_"; }
    std::string chosen(std::string_view digits, const HoleValues& values) const;
    std::string mark_;
};

// A config or secret; the supervisor writes it when the task starts, and it is bind-mounted read-only.
struct TemplateFile {
    FileKind kind = FileKind::config;
    std::string id, name;
    std::optional<std::string> content; // of a template, expanded up to its holes; absent: as it stands in the store
    std::string path;                   // on the host, with holes
    std::uint32_t uid = 0, gid = 0, mode = 0444;
    bool operator==(const TemplateFile&) const = default;
};

struct TemplateVolume {
    std::string record; // VolumeRecord as JSON, with holes
    bool operator==(const TemplateVolume&) const = default;
};

struct TemplateBind {
    std::string path;
    bool create = false; // a directory, when it is missing; else its absence is a rejection
    bool operator==(const TemplateBind&) const = default;
};

struct TemplateCopy { // a volume that is empty takes what the image has there
    std::string path_in_image, directory;
    bool operator==(const TemplateCopy&) const = default;
};

struct TaskTemplate {
    int format = 1;
    std::string mark;    // of its holes
    std::string boot_id; // of the boot whose control groups its compiled steps fit
    // Why none of its tasks can have a container (an image that is not there): each is rejected with these words.
    std::string rejected;
    std::vector<TemplateBind> bind_sources;
    std::size_t anonymous_volumes = 0;
    std::vector<TemplateVolume> volumes; // made when they are missing
    std::vector<TemplateCopy> copies;
    std::vector<std::string> layers; // of the image, topmost first
    std::vector<TemplateFile> files;
    bool operator==(const TaskTemplate&) const = default;
};

std::string to_json(const TaskTemplate& prepared);
TaskTemplate task_template_from_json(const std::string& text, const std::string& file);

inline std::string template_file(const std::string& directory) { return directory + "/template.json"; }

// {"web.1.<id>"}: the name of a task and of its container; a global service's has the node's id for a number.
std::string task_container_name(const Service& service, const Task& task);
// What an engine says of a task's container: node.id, service.id, service.name, task, task.id, task.name.
Labels task_labels(const Service& service, const Holes& holes);

} // namespace davit::swarm
