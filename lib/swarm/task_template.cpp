#include "swarm/task_template.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/text_code.hpp"
#include "davit/labels.hpp"
#include "project/json_fields.hpp"

#include <charconv>

namespace davit::swarm {

Holes Holes::fresh() {
    constexpr std::size_t digits = 16;
    return Holes("h" + sys::random_hex(digits)); // names begin with a letter
}

namespace {

std::string value_of(std::string_view key, const HoleValues& values) {
    constexpr std::size_t short_length = 12;
    if (key.starts_with("v")) {
        std::size_t n = 0;
        const auto [end, failed] = std::from_chars(key.data() + 1, key.data() + key.size(), n);
        if (failed == std::errc() && end == key.data() + key.size() && n < values.volumes.size())
            return values.volumes[n];
    }
    if (key.size() == 1) switch (key.front()) {
        case 'c': return values.container_id;
        case 's': return values.container_id.substr(0, short_length);
        case 't': return values.task_id;
        case 'n': return values.slot == 0 ? values.node_id : std::to_string(values.slot);
        case 'm': return values.task_name;
        case 'i': return values.node_id;
        case 'h': return values.node_hostname;
        default: break;
        }
    throw error(Errc::failed, "a task's template has a hole '{}' that nothing fills", key);
}

// Digits, so that nothing in them is taken for a hole or escaped.
std::string to_hex(const std::string& text) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 0xf];
    }
    return out;
}

std::string from_hex(std::string_view digits) {
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        unsigned value = 0;
        std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
        out += static_cast<char>(value);
    }
    return out;
}

bool holds(const json::Value& condition, const Holes& holes, const HoleValues& values) {
    const auto word = condition.at(0).get<std::string>();
    const auto text = [&](std::size_t n) { return holes.filled(condition.at(n).get<std::string>(), values); };
    if (word == "=") return text(1) == text(2);
    if (word == "!") return !holds(condition.at(1), holes, values);
    if (word == "&") return holds(condition.at(1), holes, values) && holds(condition.at(2), holes, values);
    return holds(condition.at(1), holes, values) || holds(condition.at(2), holes, values);
}

std::string of_two(const char* word, const std::string& a, const std::string& b) {
    return json::dump(json::Value::array({word, json::parse_text(a), json::parse_text(b)}));
}

} // namespace

std::string Holes::equal(const std::string& a, const std::string& b) {
    return json::dump(json::Value::array({"=", a, b}));
}
std::string Holes::negated(const std::string& condition) {
    return json::dump(json::Value::array({"!", json::parse_text(condition)}));
}
std::string Holes::both(const std::string& a, const std::string& b) { return of_two("&", a, b); }
std::string Holes::either(const std::string& a, const std::string& b) { return of_two("|", a, b); }

std::string Holes::choice(const std::string& condition, const std::string& then, const std::string& otherwise) const {
    return hole("q" + to_hex(json::dump(json::Value::array({json::parse_text(condition), then, otherwise}))));
}

std::string Holes::chosen(std::string_view digits, const HoleValues& values) const try {
    const auto all = json::parse_text(from_hex(digits));
    return filled(all.at(holds(all.at(0), *this, values) ? 1 : 2).get<std::string>(), values);
} catch (const nlohmann::json::exception&) {
    throw error(Errc::failed, "a task's template has a choice that cannot be read");
}

std::optional<std::string> Holes::fill(std::string_view text, const HoleValues& values) const {
    std::size_t at = text.find(mark_);
    if (at == std::string_view::npos) return std::nullopt;
    std::string out;
    std::size_t from = 0;
    for (; at != std::string_view::npos; at = text.find(mark_, from)) {
        const std::size_t key = at + mark_.size(), end = text.find('_', key);
        if (end == std::string_view::npos) throw error(Errc::failed, "a task's template ends inside a hole");
        const std::string_view what = text.substr(key, end - key);
        out.append(text.substr(from, at - from))
            .append(what.starts_with("q") ? chosen(what.substr(1), values) : value_of(what, values));
        from = end + 1;
    }
    return out.append(text.substr(from));
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TemplateVolume, record)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TemplateBind, path, create)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TemplateCopy, path_in_image, directory)

static void to_json(json::Value& j, const TemplateFile& f) {
    j = {{"secret", f.kind == FileKind::secret},
         {"id", f.id},
         {"name", f.name},
         {"path", f.path},
         {"uid", f.uid},
         {"gid", f.gid},
         {"mode", f.mode}};
    if (f.content) j["content"] = base64_encode(*f.content);
}

static void from_json(const json::Value& j, TemplateFile& f) {
    f.kind = j.value("secret", false) ? FileKind::secret : FileKind::config;
    f.id = j.value("id", "");
    f.name = j.value("name", "");
    f.path = j.value("path", "");
    f.uid = j.value("uid", 0U);
    f.gid = j.value("gid", 0U);
    f.mode = j.value("mode", 0444U);
    if (j.contains("content")) f.content = base64_decode(j["content"].get<std::string>());
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(TaskTemplate, format, mark, boot_id, rejected, bind_sources,
                                                anonymous_volumes, volumes, copies, layers, files)

std::string to_json(const TaskTemplate& prepared) { return json::dump(json::Value(prepared)); }
TaskTemplate task_template_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<TaskTemplate>(text, file, 1);
}

std::string task_container_name(const Service& service, const Task& task) {
    const auto& kind = service.spec.mode.kind;
    const bool global = kind == ModeKind::global || kind == ModeKind::global_job;
    return service.spec.name + "." + (global ? task.node_id : std::to_string(task.slot)) + "." + task.id;
}

Labels task_labels(const Service& service, const Holes& holes) {
    return {{label::swarm_node_id, holes.node_id()},        {label::swarm_service_id, service.id},
            {label::swarm_service_name, service.spec.name}, {label::swarm_task, ""},
            {label::swarm_task_id, holes.task_id()},        {label::swarm_task_name, holes.task_name()}};
}

} // namespace davit::swarm
