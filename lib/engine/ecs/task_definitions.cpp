// <state>/ecs/FAMILY/N.json, one file for each revision, written once; N.inactive beside it.
#include "davit/ecs.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json_depth.hpp"
#include "base/sys.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::ecs {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t longest_family = 255;

std::string arn_of(const std::string& family, int revision) {
    return fmt::format("arn:aws:ecs:local:000000000000:task-definition/{}:{}", family, revision);
}

// Families are names of directories.
void check_family(const std::string& family) {
    const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    if (family.empty() || family.size() > longest_family || !std::all_of(family.begin(), family.end(), fits))
        throw error(Errc::usage, "'{}' is not a family of task definitions", family)
            .with_hint("letters, digits, '-' and '_', up to 255");
}

struct Name {
    std::string family;
    int revision = 0; // 0: the last active one
};

Name parse_name(std::string text) {
    text.erase(0, text.rfind('/') == std::string::npos ? 0 : text.rfind('/') + 1);
    Name out;
    const auto colon = text.find(':');
    out.family = text.substr(0, colon);
    check_family(out.family);
    if (colon == std::string::npos) return out;
    const char* end = text.data() + text.size();
    const auto [stop, failed] = std::from_chars(text.data() + colon + 1, end, out.revision);
    if (failed != std::errc() || stop != end || out.revision < 1)
        throw error(Errc::usage, "'{}' is not a revision: FAMILY:NUMBER", text);
    return out;
}

class Kept {
public:
    explicit Kept(const std::string& state) : root_(state + "/ecs") {}

    std::string file(const std::string& family, int n) const { return fmt::format("{}/{}/{}.json", root_, family, n); }
    std::string mark(const std::string& family, int n) const {
        return fmt::format("{}/{}/{}.inactive", root_, family, n);
    }
    bool active(const std::string& family, int n) const { return !exists(mark(family, n)); }

    std::vector<std::string> families() const {
        auto out = list_directory(root_);
        std::erase(out, "lock");
        std::sort(out.begin(), out.end());
        return out;
    }

    std::vector<int> numbers(const std::string& family) const {
        constexpr std::string_view ending = ".json";
        std::vector<int> out;
        for (const std::string& name : list_directory(root_ + "/" + family)) {
            int n = 0;
            if (!name.ends_with(ending)) continue;
            const char* stop = name.data() + name.size() - ending.size();
            if (std::from_chars(name.data(), stop, n).ptr == stop && n > 0) out.push_back(n);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    Name find(const std::string& text) const {
        Name name = parse_name(text);
        if (name.revision == 0) {
            for (const int n : numbers(name.family))
                if (active(name.family, n)) name.revision = n;
        } else if (!exists(file(name.family, name.revision))) name.revision = 0;
        if (name.revision == 0)
            throw error(Errc::not_found, "there is no task definition {}", text)
                .with_hint("'davit ecs list' lists them");
        return name;
    }

    TaskDefinition read(const Name& name) const {
        TaskDefinition out{
            name.family, name.revision, active(name.family, name.revision), arn_of(name.family, name.revision), {}};
        Json json = Json::parse(read_file(file(name.family, name.revision)), nullptr, false);
        if (json.is_discarded() || !json.contains("taskDefinition"))
            throw error(Errc::failed, "{} is not a record of davit", file(name.family, name.revision));
        json["taskDefinition"]["status"] = out.active ? "ACTIVE" : "INACTIVE";
        out.json = json.dump(4, ' ', false, Json::error_handler_t::replace);
        return out;
    }

    // The next number; whoever registers at once gets another.
    int add(const std::string& family, Json definition) const {
        sys::make_dirs(root_ + "/" + family, 0700);
        const FileLock lock = FileLock::acquire(root_ + "/lock");
        const auto all = numbers(family);
        const int n = all.empty() ? 1 : all.back() + 1;
        definition["taskDefinitionArn"] = arn_of(family, n);
        definition["revision"] = n;
        definition["registeredAt"] = rfc3339(sys::realtime_ns());
        write_file_atomic(file(family, n),
                          Json{{"taskDefinition", std::move(definition)}, {"tags", Json::array()}}.dump(4), 0600);
        return n;
    }

    void deactivate(const Name& name) const { write_file_atomic(mark(name.family, name.revision), "", 0600); }

private:
    std::string root_;
};

// What describe prints and register does not take.
Json as_registered(const std::string& text) {
    Json json = parse_untrusted_as<Json>(text);
    if (json.contains("taskDefinition")) json = json["taskDefinition"];
    for (const char* printed :
         {"taskDefinitionArn", "revision", "status", "registeredAt", "registeredBy", "deregisteredAt"})
        json.erase(printed);
    for (const char* list : {"volumes", "placementConstraints"})
        if (!json.contains(list)) json[list] = Json::array();
    return json;
}

} // namespace

TaskDefinition register_task_definition(Engine& engine, const std::string& text, const std::string& shown,
                                        std::vector<Diagnostic>& warnings) {
    Json json = parse_untrusted_as<Json>(text);
    const bool definition =
        json.is_object() && (json.contains("containerDefinitions") || json.contains("taskDefinition"));
    LoadOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = "/";
    options.interpolate = options.resolve_environment = false; // secrets and files are of who runs it
    auto with_name = [&](std::vector<Diagnostic> found) {
        for (Diagnostic& d : found)
            if (d.at.line) d.at.file = shown;
        return found;
    };
    try {
        if (definition || json.is_discarded()) warnings = with_name(load(options).warnings);
    } catch (const LoadError& e) {
        throw LoadError(with_name(e.diagnostics()));
    }
    if (!definition)
        throw error(Errc::usage, "{} is not a task definition", shown)
            .with_hint(
                "JSON with containerDefinitions, as `aws ecs register-task-definition --cli-input-json` takes it");
    json = as_registered(text);
    const std::string family = json.value("family", "");
    check_family(family);
    const Kept kept(engine.state_dir());
    return kept.read({family, kept.add(family, std::move(json))});
}

std::vector<TaskDefinition> task_definitions(Engine& engine, const std::string& prefix) {
    const Kept kept(engine.state_dir());
    std::vector<TaskDefinition> out;
    for (const std::string& family : kept.families())
        if (family.starts_with(prefix))
            for (const int n : kept.numbers(family)) out.push_back(kept.read({family, n}));
    return out;
}

TaskDefinition task_definition(Engine& engine, const std::string& name) {
    const Kept kept(engine.state_dir());
    return kept.read(kept.find(name));
}

TaskDefinition deregister_task_definition(Engine& engine, const std::string& name) {
    if (parse_name(name).revision == 0)
        throw error(Errc::usage, "which revision of {} is meant?", name).with_hint("FAMILY:NUMBER");
    const Kept kept(engine.state_dir());
    const Name found = kept.find(name);
    kept.deactivate(found);
    return kept.read(found);
}

ResourceLoader task_definition_resources(std::string state_dir, ResourceLoader otherwise) {
    return [state_dir = std::move(state_dir), otherwise = std::move(otherwise)](const std::string& name) {
        constexpr std::string_view scheme = "ecs:";
        if (!name.starts_with(scheme)) return otherwise ? otherwise(name) : std::nullopt;
        const Kept kept(state_dir.empty() ? Roots::from_environment().state : state_dir);
        const Name found = kept.find(name.substr(scheme.size()));
        return std::optional(kept.file(found.family, found.revision));
    };
}

} // namespace davit::ecs
