#include "container/cdi.hpp"

#include "base/error.hpp"
#include "yaml/reader.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace davit::cdi {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(std::string_view text, std::string_view also) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter(c) || is_digit(c) || also.find(c) != std::string_view::npos;
    });
}

bool is_kind(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return false;
    const std::string_view vendor = text.substr(0, slash), name = text.substr(slash + 1);
    return is_word(vendor, "-_.") && is_letter(vendor.front()) && is_word(name, "-_") && is_letter(name.front());
}

// The first error of a file counts: it is told where somebody misses the file's devices.
class FirstFault final : public yaml::Reporter {
public:
    explicit FirstFault(const yaml::Tree& tree) : tree_(tree) {}
    void error(yaml::Pos at, std::string_view, std::string message, std::string) override {
        if (!fault_.empty()) return;
        const SourcePos where = tree_.where(at);
        fault_ = fmt::format("{}:{}:{}: {}", where.file, where.line, where.column, message);
    }
    void warning(yaml::Pos, std::string_view, std::string, std::string) override {}
    const std::string& fault() const { return fault_; }

private:
    const yaml::Tree& tree_;
    std::string fault_;
};

class EditsReader {
public:
    explicit EditsReader(FirstFault& faults) : faults_(faults) {}

    Edits read(const yaml::Node* from) {
        if (!from) return {};
        for (const yaml::Node* one : list(*from, "env")) out_.env.push_back(text(*one));
        for (const yaml::Node* one : list(*from, "deviceNodes")) node(*one);
        for (const yaml::Node* one : list(*from, "mounts")) mount(*one);
        for (const yaml::Node* one : list(*from, "hooks")) out_.hooks.push_back(text_of(*one, "path"));
        for (const yaml::Node* one : list(*from, "additionalGids"))
            if (const auto id = number(*one)) out_.gids.push_back(static_cast<gid_t>(*id));
        return std::move(out_);
    }

private:
    void node(const yaml::Node& from) {
        Node to;
        to.path = path_of(from, "path");
        to.host_path = from.has("hostPath") ? path_of(from, "hostPath") : to.path;
        const std::string type = text_of(from, "type");
        if (!type.empty() && type != "c" && type != "b" && type != "u" && type != "p")
            fail(from, fmt::format("'{}' is no type of a device node: c, b, u or p", type));
        to.type = type.empty() ? 0 : type == "u" ? 'c' : type.front();
        to.major = static_cast<unsigned>(number_of(from, "major").value_or(0));
        to.minor = static_cast<unsigned>(number_of(from, "minor").value_or(0));
        if (to.major == 0 && to.minor == 0 && to.type != 'p') to.type = 0;
        if (const std::string access = text_of(from, "permissions"); !access.empty()) to.access = access;
        if (to.access.find_first_not_of("rwm") != std::string::npos)
            fail(from, fmt::format("permissions '{}' are not of r, w and m", to.access));
        if (const auto mode = number_of(from, "fileMode")) to.mode = static_cast<mode_t>(*mode & 07777);
        if (const auto id = number_of(from, "uid")) to.uid = static_cast<uid_t>(*id);
        if (const auto id = number_of(from, "gid")) to.gid = static_cast<gid_t>(*id);
        out_.nodes.push_back(std::move(to));
    }

    void mount(const yaml::Node& from) {
        Mount to{text_of(from, "hostPath"), path_of(from, "containerPath"), text_of(from, "type"), {}};
        for (const yaml::Node* one : list(from, "options")) to.options.push_back(text(*one));
        if (to.source.empty()) fail(from, "hostPath is missing");
        out_.mounts.push_back(std::move(to));
    }

    std::span<yaml::Node*> list(const yaml::Node& from, std::string_view key) {
        const yaml::Node* found = from.find(key);
        if (!found || found->is_null()) return {};
        if (!found->is_list()) fail(*found, fmt::format("{} must be a list", key));
        return found->list();
    }

    std::string text(const yaml::Node& from) {
        if (!from.is_scalar()) fail(from, "a text is wanted here");
        return yaml::to_text(from);
    }
    std::string text_of(const yaml::Node& from, std::string_view key) {
        const yaml::Node* found = from.find(key);
        return found ? text(*found) : "";
    }
    std::string path_of(const yaml::Node& from, std::string_view key) {
        std::string out = text_of(from, key);
        if (!out.starts_with('/')) fail(from, fmt::format("{} must be an absolute path", key));
        return out;
    }

    std::optional<std::int64_t> number(const yaml::Node& from) {
        if (from.kind == yaml::Kind::integer && from.integer >= 0 && from.integer <= UINT32_MAX) return from.integer;
        fail(from, "a number is wanted here");
        return std::nullopt;
    }
    std::optional<std::int64_t> number_of(const yaml::Node& from, std::string_view key) {
        const yaml::Node* found = from.find(key);
        return found && !found->is_null() ? number(*found) : std::nullopt;
    }

    void fail(const yaml::Node& at, const std::string& text) { faults_.error(at.pos, "", text, ""); }

    FirstFault& faults_;
    Edits out_;
};

void join(Edits& to, const Edits& from) {
    to.env.insert(to.env.end(), from.env.begin(), from.env.end());
    to.nodes.insert(to.nodes.end(), from.nodes.begin(), from.nodes.end());
    to.mounts.insert(to.mounts.end(), from.mounts.begin(), from.mounts.end());
    to.gids.insert(to.gids.end(), from.gids.begin(), from.gids.end());
    to.hooks.insert(to.hooks.end(), from.hooks.begin(), from.hooks.end());
}

} // namespace

bool is_name(std::string_view text) {
    const std::size_t equals = text.find('=');
    return equals != std::string_view::npos && is_kind(text.substr(0, equals)) &&
           is_word(text.substr(equals + 1), "-_.:");
}

Registry::Registry(const std::vector<File>& files) {
    for (std::size_t i = 0; i < files.size(); ++i) add(i, files[i]);
}

void Registry::add(std::size_t number, const File& file) {
    yaml::Tree tree;
    FirstFault faults(tree);
    const std::uint16_t index = tree.add_file(file.path, file.text);
    const auto documents = yaml::parse_yaml(tree, index, faults);
    std::map<std::string, Edits> found;
    Edits common;
    if (!documents.empty() && documents.front()->is_map()) {
        const yaml::Node& root = *documents.front();
        const yaml::Node* kind = root.find("kind");
        if (!kind || !is_kind(kind->str()))
            faults.error(root.pos, "", "kind must be that of a device, vendor.com/class", "");
        common = EditsReader(faults).read(root.find("containerEdits"));
        if (const yaml::Node* devices = root.find("devices"))
            for (const yaml::Node* device : devices->list()) {
                const yaml::Node* name = device->find("name");
                const std::string whole =
                    fmt::format("{}={}", kind ? kind->str() : "", name ? yaml::to_text(*name) : "");
                if (!is_name(whole)) faults.error(device->pos, "", "a device without a proper name", "");
                found[whole] = EditsReader(faults).read(device->find("containerEdits"));
            }
    } else {
        faults.error({1, 1, index}, "", "no CDI specification", "");
    }
    if (!faults.fault().empty()) {
        faults_.push_back(faults.fault());
        return;
    }
    common_[number] = std::move(common);
    for (auto& [name, edits] : found) {
        const auto [it, fresh] = devices_.try_emplace(name, Found{number, edits, file.priority});
        if (fresh || it->second.priority > file.priority) continue;
        if (it->second.priority == file.priority) it->second.ambiguous = true;
        else it->second = Found{number, edits, file.priority};
    }
}

std::vector<std::string> Registry::devices_of(const std::string& kind) const {
    std::vector<std::string> out;
    for (const auto& [name, device] : devices_)
        if (name.starts_with(kind + "=") && !device.ambiguous) out.push_back(name.substr(kind.size() + 1));
    return out;
}

Edits Registry::edits(const std::vector<std::string>& names) const {
    std::vector<std::string> missing;
    std::set<std::size_t> files;
    std::set<std::string> taken;
    Edits out;
    for (const std::string& name : names) {
        const auto it = devices_.find(name);
        if (it == devices_.end() || it->second.ambiguous) {
            missing.push_back(name);
            continue;
        }
        if (!taken.insert(name).second) continue;
        if (files.insert(it->second.file).second) join(out, common_.at(it->second.file));
        join(out, it->second.edits);
    }
    if (missing.empty()) return out;
    const bool twice =
        std::any_of(missing.begin(), missing.end(), [&](const auto& name) { return devices_.contains(name); });
    throw error(Errc::unsupported, "CDI device injection failed: unresolvable CDI devices {}", fmt::join(missing, ", "))
        .with_hint(!faults_.empty() ? fmt::format("a specification cannot be read: {}", faults_.front())
                   : twice
                       ? "two files of /etc/cdi or /var/run/cdi tell of it"
                       : "no file in /etc/cdi or /var/run/cdi tells of it; a device file is named by its path, /dev/…");
}

} // namespace davit::cdi
