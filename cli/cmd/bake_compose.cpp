#include "cli/cmd/bake_compose.hpp"

#include "base/build_entries.hpp"
#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "cli/format/size.hpp"
#include "cli/load_options.hpp"
#include "davit/engine.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>

namespace davit::cli {

namespace {

// A service's name may have dots, a target's may not.
std::string target_name(std::string service) {
    std::replace(service.begin(), service.end(), '.', '_');
    return service;
}

// "./x" is x, as paths are written once they are read.
std::string plain_path(const std::string& path) {
    const bool elsewhere = path.find(':') != std::string::npos;
    return path.empty() || elsewhere ? path : std::filesystem::path(path).lexically_normal().string();
}

std::string context_of(const std::string& where) {
    if (where.starts_with("target:")) return "target:" + target_name(where.substr(7));
    const SharedWith with = SharedWith::parse(where);
    return with.is_service() ? "target:" + target_name(std::string(with.name)) : plain_path(where);
}

std::vector<std::string> attests_of(const BuildConfig& build) {
    std::vector<std::string> out;
    for (const auto& [type, value] : {std::pair{"sbom", &build.sbom}, {"provenance", &build.provenance}})
        if (const std::string text = attest_of(type, *value); !text.empty())
            out.push_back(to_string(parse_attest_entry(text)));
    return out;
}

std::vector<std::string> caches_of(const std::vector<std::string>& texts) {
    std::vector<std::string> out;
    for (const std::string& text : texts)
        for (const BuildEntry& entry : parse_cache_entries(text)) out.push_back(to_string(entry));
    return out;
}

std::vector<std::string> secrets_of(const Project& project, const BuildConfig& build) {
    std::vector<std::string> out;
    for (const FileReference& reference : build.secrets) {
        const auto found = project.secrets.find(reference.source);
        SecretEntry entry{reference.source, "", ""};
        if (found != project.secrets.end()) {
            if (found->second.external) throw error(Errc::usage, "unsupported external secret {}", reference.source);
            entry.file = plain_path(found->second.file);
            entry.environment = found->second.environment;
        }
        out.push_back(to_string(entry));
    }
    return out;
}

std::vector<std::string> agents_of(const BuildConfig& build) {
    std::vector<std::string> out;
    for (const SshKey& key : build.ssh)
        out.push_back(to_string(
            SshEntry{key.id, key.path.empty() ? std::vector<std::string>{} : std::vector{plain_path(key.path)}}));
    std::sort(out.begin(), out.end());
    return out;
}

// A service's `build:` in the words of the options: as it is written, without what davit adds for its own builds.
BakeTarget bake_target(const Project& project, const Service& service, const BuildRequest& request) {
    const BuildConfig& build = *service.build;
    BakeTarget out;
    out.name = target_name(service.name);
    out.context = build.context.empty() ? "." : build.context;
    out.dockerfile = request.dockerfile;
    out.dockerfile_inline = request.dockerfile_inline;
    const auto said = [](const std::string& text) {
        return text.empty() ? std::nullopt : std::optional<std::string>(text);
    };
    out.target = said(request.target);
    out.network = said(request.network);
    for (const auto& [name, value] : request.args)
        if (value) out.args.emplace_back(name, value);
    for (const auto& [key, value] : build.labels) out.labels.emplace_back(key, value);
    for (const auto& [name, where] : request.contexts) out.contexts.emplace_back(name, context_of(where));
    for (const auto& [name, addresses] : build.extra_hosts) {
        std::string all;
        for (const std::string& address : addresses) all += (all.empty() ? "" : ",") + address;
        out.extra_hosts.emplace_back(name, all);
    }
    out.tags = build.tags;
    if (out.tags.empty() && !service.image.empty()) out.tags = {service.image};
    out.platforms = build.platforms;
    out.cache_from = caches_of(build.cache_from);
    out.cache_to = caches_of(build.cache_to);
    out.entitlements = request.entitlements;
    out.attests = attests_of(build);
    if (request.shm_size > 0) out.shm_size = human_size_binary(static_cast<double>(request.shm_size));
    for (const auto& [name, limit] : request.ulimits)
        out.ulimits.push_back(fmt::format("{}={}:{}", name, limit.soft, limit.hard));
    out.secrets = secrets_of(project, build);
    out.ssh = agents_of(build);
    if (request.no_cache) out.no_cache = true;
    if (request.pull) out.pull = true;
    return out;
}

// One text with blanks between the words, or a list.
std::vector<std::string> words_of(const Value& value) {
    std::vector<std::string> out;
    if (const auto* text = std::get_if<std::string>(&value.data)) {
        std::istringstream in(*text);
        for (std::string word; in >> word;) out.push_back(word);
    } else if (const auto* list = std::get_if<Value::List>(&value.data)) {
        for (const Value& one : *list)
            if (const auto* word = std::get_if<std::string>(&one.data)) out.push_back(*word);
    }
    return out;
}

void add_new_words(std::vector<std::string>& to, const std::vector<std::string>& words) {
    for (const std::string& word : words)
        if (std::find(to.begin(), to.end(), word) == to.end()) to.push_back(word);
}

// The later one of an id stands in the place of the first.
template <typename Parse>
void add_entries(std::vector<std::string>& to, const std::vector<std::string>& words, Parse parse) {
    for (const std::string& word : words) {
        const auto entry = parse(word);
        const auto same =
            std::find_if(to.begin(), to.end(), [&](const auto& old) { return parse(old).id == entry.id; });
        if (same == to.end()) to.push_back(to_string(entry));
        else *same = to_string(entry);
    }
}

void add_contexts(BakeTarget& to, const Value& value) {
    const auto* map = std::get_if<Value::Map>(&value.data);
    if (!map) return;
    for (const auto& [name, where] : *map) {
        const auto* text = std::get_if<std::string>(&where.data);
        const std::string& own = name;
        if (text &&
            std::none_of(to.contexts.begin(), to.contexts.end(), [&](const auto& known) { return known.first == own; }))
            to.contexts.emplace_back(own, context_of(*text));
    }
}

// What compose files cannot say of a build otherwise.
void add_extension(BakeTarget& to, const Value& extension) {
    const auto* map = std::get_if<Value::Map>(&extension.data);
    if (!map) return;
    for (const auto& [key, value] : *map) {
        const std::vector<std::string> words = words_of(value);
        if (key == "tags") add_new_words(to.tags, words);
        else if (key == "platforms") add_new_words(to.platforms, words);
        else if (key == "no-cache-filter") add_new_words(to.no_cache_filter, words);
        else if (key == "cache-from") add_new_words(to.cache_from, caches_of(words));
        else if (key == "cache-to") add_new_words(to.cache_to, caches_of(words));
        else if (key == "secret") add_entries(to.secrets, words, parse_secret_entry);
        else if (key == "ssh") add_entries(to.ssh, words, parse_ssh_entry);
        else if (key == "output")
            for (const std::string& word : words) add_new_words(to.outputs, {to_string(parse_output_entry(word))});
        else if (key == "pull" || key == "no-cache") {
            if (const auto* truth = std::get_if<bool>(&value.data)) (key == "pull" ? to.pull : to.no_cache) = *truth;
        } else if (key == "contexts") {
            add_contexts(to, value);
        }
    }
}

// A directory that is meant from base.
std::string rebased(const std::string& base, const std::string& where) {
    const bool elsewhere = where.find(':') != std::string::npos || where.starts_with('/');
    if (base.empty() || elsewhere) return where;
    return (std::filesystem::path(base) / where).lexically_normal().string();
}

} // namespace

// Paths stay as they are written: from where the process stands, as those of other bake files.
void read_bake_compose(Globals globals, const std::vector<std::string>& files, const std::string& input,
                       BakeOptions& to) {
    globals.files = files;
    LoadOptions how = load_options(globals);
    if (!input.empty()) how.stdin_text = input; // it has been read
    how.resolve_paths = how.resolve_environment = how.resolve_labels = how.check_consistency = false;
    how.profiles = {"*"};
    const LoadResult loaded = davit::load(how);
    const std::string base = to.file_relative_paths ? std::filesystem::path(files.front()).parent_path().string() : "";
    for (const auto& [name, request] : build_requests(loaded.project)) {
        const Service& service = loaded.project.services.at(name);
        BakeTarget made = bake_target(loaded.project, service, request);
        if (const auto found = service.build->extensions.find("x-bake"); found != service.build->extensions.end())
            add_extension(made, found->second);
        made.context = rebased(base, made.context);
        for (auto& [unused, where] : made.contexts) where = rebased(base, where);
        to.from_compose.push_back(std::move(made));
    }
}

} // namespace davit::cli
