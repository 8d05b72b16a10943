#include "supervisor/event_log.hpp"

#include "network/builtin.hpp"
#include "runtime/defaults.hpp"

#include <fmt/format.h>

namespace davit::supervisor {

namespace {

std::string signal_number(const std::string& name) {
    const auto number = runtime::signal_from_name(name);
    return number ? std::to_string(*number) : name;
}

const char* action_of(EventKind kind) {
    switch (kind) {
    case EventKind::container_created: return "create";
    case EventKind::container_started: return "start";
    case EventKind::container_exited: return "die";
    case EventKind::container_signalled: return "kill";
    case EventKind::container_stopped: return "stop";
    case EventKind::container_restarted: return "restart";
    case EventKind::container_removed: return "destroy";
    case EventKind::container_paused: return "pause";
    case EventKind::container_unpaused: return "unpause";
    case EventKind::container_oom: return "oom";
    case EventKind::container_health: return "health_status";
    case EventKind::container_renamed: return "rename";
    case EventKind::container_updated: return "update";
    default: return nullptr;
    }
}

class Lines {
public:
    Lines(const Event& event, const ContainerRecord* record, const NetworkOf& network)
        : event_(event), record_(record), network_(network) {}

    std::vector<JournalLine> take() {
        switch (event_.kind) {
        case EventKind::network_created: this->network("create", event_.resource); break;
        case EventKind::network_removed: this->network("destroy", event_.resource); break;
        case EventKind::volume_created: volume("create", event_.resource, {{"driver", "local"}}); break;
        case EventKind::volume_removed: volume("destroy", event_.resource, {{"driver", "local"}}); break;
        case EventKind::network_connected: attachment("connect"); break;
        case EventKind::network_disconnected: attachment("disconnect"); break;
        default: container(); break;
        }
        return std::move(out_);
    }

private:
    JournalLine& add(const char* type, const std::string& action, const std::string& id) {
        JournalLine& line = out_.emplace_back();
        line.time_ns = event_.time_ns;
        line.type = type;
        line.action = action;
        line.id = id;
        return line;
    }

    void container() {
        const char* action = action_of(event_.kind);
        if (!action) return;
        if (event_.kind == EventKind::container_started) mounts(true), attachments("connect");
        JournalLine& line = add("container", action, event_.container_id);
        if (record_) {
            line.attributes.insert(record_->labels.begin(), record_->labels.end());
            line.attributes["image"] = record_->image;
        }
        line.attributes["name"] = event_.container_name;
        for (const auto& [key, value] : event_.attributes) line.attributes[key] = value;
        if (event_.kind == EventKind::container_exited) line.attributes["exitCode"] = std::to_string(event_.exit_code);
        if (event_.kind == EventKind::container_signalled) line.attributes["signal"] = signal_number(event_.text);
        if (event_.kind == EventKind::container_renamed) line.attributes["oldName"] = "/" + event_.text;
        if (event_.kind == EventKind::container_health) line.action += ": " + event_.text;
        if (event_.kind == EventKind::container_exited) attachments("disconnect"), mounts(false);
    }

    void network(const char* action, const std::string& name) {
        const NetworkRecord* known = network_(name);
        NetworkRecord r;
        if (known) r = *known;
        else if (is_builtin_network(name)) r = builtin_network(name, {});
        if (const auto id = event_.attributes.find("id"); id != event_.attributes.end()) r.id = id->second;
        if (const auto type = event_.attributes.find("type"); type != event_.attributes.end()) r.driver = type->second;
        JournalLine& line = add("network", action, r.id);
        line.attributes["name"] = name;
        line.attributes["type"] = r.driver;
    }

    void attachment(const char* action) {
        network(action, event_.resource.substr(event_.resource.find(':') + 1));
        out_.back().attributes["container"] = event_.container_id;
    }

    void attachments(const char* action) {
        if (!record_) return;
        const std::string& mode = record_->network_mode;
        std::vector<std::string> names;
        if (mode == "host" || mode == "none") names.push_back(mode);
        for (const auto& e : record_->endpoints) names.push_back(e.network);
        for (const auto& name : names) {
            network(action, name);
            out_.back().attributes["container"] = event_.container_id;
        }
    }

    void volume(const char* action, const std::string& name, std::map<std::string, std::string> attributes) {
        add("volume", action, name).attributes = std::move(attributes);
    }

    void mounts(bool mounted) {
        if (!record_) return;
        for (const MountRecord& m : record_->mounts) {
            if (m.type != "volume") continue;
            volume(mounted ? "mount" : "unmount", m.name, {{"container", event_.container_id}, {"driver", "local"}});
            if (!mounted) continue;
            auto& attributes = out_.back().attributes;
            attributes["destination"] = m.target;
            attributes["propagation"] = "";
            attributes["read/write"] = m.read_only ? "false" : "true";
        }
    }

    const Event& event_;
    const ContainerRecord* record_;
    const NetworkOf& network_;
    std::vector<JournalLine> out_;
};

} // namespace

std::vector<JournalLine> journal_lines(const Event& event, const ContainerRecord* record, const NetworkOf& network) {
    return Lines(event, record, network).take();
}

JournalLine container_line(const ContainerRecord& record, std::int64_t time_ns, std::string action,
                           std::map<std::string, std::string> attributes) {
    JournalLine line;
    line.time_ns = time_ns;
    line.type = "container";
    line.action = std::move(action);
    line.id = record.id;
    line.attributes.insert(record.labels.begin(), record.labels.end());
    line.attributes["image"] = record.image;
    line.attributes["name"] = record.name;
    for (auto& [key, value] : attributes) line.attributes[key] = std::move(value);
    return line;
}

EventLog::EventLog(const Roots& roots, const std::string& project, Find find, NetworkOf network)
    : containers_(roots, project), objects_(roots, objects_journal), find_(std::move(find)),
      network_(std::move(network)) {}

void EventLog::write(const std::vector<JournalLine>& lines) {
    std::string containers, objects;
    for (const JournalLine& line : lines) (line.type == "container" ? containers : objects) += to_line(line);
    if (!objects.empty()) objects_.append(objects);
    if (!containers.empty()) containers_.append(containers);
}

void EventLog::write(const Event& event) {
    const auto left = leaving_.find(event.container_id);
    const ContainerRecord* record = left != leaving_.end()       ? &left->second
                                    : event.container_id.empty() ? nullptr
                                                                 : find_(event.container_id);
    write(journal_lines(event, record, network_));
    if (event.kind == EventKind::container_removed && left != leaving_.end()) leaving_.erase(left);
}

} // namespace davit::supervisor
