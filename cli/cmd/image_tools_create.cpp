// `buildx imagetools create`.
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/manifest_documents.hpp"
#include "cli/cmd/manifest_lists.hpp"
#include "cli/format/json_text.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::cli {

namespace {

struct Combined {
    List entries = List::array();
    std::vector<std::string> sources;
    RemoteManifest only;   // of one source and nothing else
    bool docker = true;    // all of them are of docker's media types
    bool filtered = false; // by platform
};

// What a source is, by name; a file of -f may say more of it than its registry does.
struct ListSource {
    std::string name;
    List descriptor = List::object();
};

// A descriptor as JSON, a digest of the one repository that is spoken of, or a name.
ListSource read_source(const std::string& text, const std::string& repository) {
    const std::size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
    const std::string bare = first == std::string::npos ? "" : text.substr(first, last - first + 1);
    const auto in_repository = [&](const std::string& digest) {
        if (repository.empty())
            throw error(Errc::usage, "multiple repositories specified, cannot infer repository for \"{}\"", bare);
        return repository + "@" + digest;
    };
    if (bare.starts_with("sha256:")) return {in_repository(bare)};
    if (!bare.starts_with('{')) return {bare};
    const List read = List::parse(bare, nullptr, false);
    if (!read.is_object() || !read.contains("digest") || !read["digest"].is_string())
        throw error(Errc::usage, "a source descriptor is no JSON with a digest: {}", bare);
    return {in_repository(read["digest"].get<std::string>()), read};
}

// Of all names that are spoken of, the repository; empty: there are several.
std::string one_repository(const std::vector<std::string>& tags, const std::vector<std::string>& sources) {
    std::string out;
    for (const auto* names : {&tags, &sources})
        for (const std::string& name : *names) {
            const std::size_t start = name.find_first_not_of(" \t\r\n");
            if (start == std::string::npos || name[start] == '{' || name.compare(start, 7, "sha256:") == 0) continue;
            const std::string own = repository_of(name.substr(start, name.find_last_not_of(" \t\r\n") + 1 - start));
            if (!out.empty() && out != own) return "";
            out = own;
        }
    return out;
}

// What the file says wins, but for the size, which must be the same.
void merge(List& entry, const List& said) {
    const List size = said.value("size", List());
    if (size.is_number() && size != 0 && size != entry.at("size"))
        throw error(Errc::usage, "invalid size mismatch for {}, {} != {}", entry.at("digest").get<std::string>(),
                    size.dump(), entry.at("size").dump());
    for (const char* key : {"mediaType", "annotations", "platform"})
        if (said.contains(key) && !said[key].empty()) entry[key] = said[key];
}

bool is_platform(const List& entry, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return true;
    const List platform = entry.value("platform", List::object());
    const std::string variant = platform.value("variant", "");
    const std::string bare = platform.value("os", "") + "/" + platform.value("architecture", "");
    return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
        return one == bare || (!variant.empty() && one == bare + "/" + variant);
    });
}

void add_source(Combined& to, const ListSource& source, const std::vector<std::string>& platforms,
                const std::stop_token& stop) {
    const std::string& name = source.name;
    const RemoteManifest manifest = remote_manifest(name, false, stop);
    const List document = parsed_manifest(manifest, name);
    const auto add = [&](const List& entry) {
        if (!is_platform(entry, platforms)) {
            to.filtered = true;
            return;
        }
        for (const List& known : to.entries)
            if (known.at("digest") == entry.at("digest")) return;
        to.docker = to.docker && entry.value("mediaType", "").starts_with("application/vnd.docker.");
        to.entries.push_back(entry);
        to.sources.push_back(repository_of(name) + "@" + entry.at("digest").get<std::string>());
    };
    if (is_index(document)) {
        for (const List& entry : document["manifests"]) add(entry);
    } else {
        List entry = {{"mediaType", manifest.media_type},
                      {"digest", manifest.digest},
                      {"size", manifest.bytes.size()},
                      {"platform", platform_json(remote_platform(name, manifest, false, stop))}};
        merge(entry, source.descriptor);
        add(entry);
    }
    to.only = manifest;
}

} // namespace

int create_image_list(Globals& globals, const Args& args) {
    bool append = false, prefer_index = true;
    std::string metadata_file;
    std::vector<std::string> tags, sources, files, annotations, platform_lists, platforms;
    Options options(globals, "buildx imagetools create [OPTIONS] [SOURCE...]",
                    "Create a new image based on source images");
    options.list("annotation", annotations, "Add annotation to the image", "stringArray")
        .flag("append", append, "Append to existing manifest")
        .list("f,file", files, "Read source descriptor from file", "stringArray")
        .value("metadata-file", metadata_file, "Write create result metadata to a file")
        .list("p,platform", platform_lists, "Filter specified platforms of target image", "stringArray")
        .flag("prefer-index", prefer_index, "When only a single source is specified, prefer outputting an image index")
        .list("t,tag", tags, "Set reference for new image", "stringArray")
        .each("builder", "string", check_builder, "")
        .hidden()
        .ignored("progress", "string")
        .arguments(sources);
    if (!options.parse(args)) return 0;
    std::vector<std::string> read;
    for (const std::string& file : files) read.push_back(read_file(file));
    sources.insert(sources.begin(), read.begin(), read.end());
    for (const std::string& list : platform_lists)
        for (std::size_t at = 0; at <= list.size();) {
            const std::size_t end = std::min(list.find(',', at), list.size());
            platforms.push_back(list.substr(at, end - at));
            at = end + 1;
        }
    if (sources.empty()) throw error(Errc::usage, "no sources specified");
    if (tags.empty() && !globals.dry_run)
        throw error(Errc::usage, "can't push with no tags specified, please set --tag or --dry-run")
            .with_hint("-t registry/app:1");
    if (append && tags.size() != 1) throw error(Errc::usage, "--append wants one --tag");
    if (append) sources.insert(sources.begin(), tags.front());
    Interrupts interrupts;
    Combined all;
    const std::string repository = one_repository(tags, sources);
    for (const std::string& text : sources)
        add_source(all, read_source(text, repository), platforms, interrupts.token());
    if (all.entries.empty()) throw error(Errc::not_found, "no source has an image for the platforms asked for");
    const char* type = all.docker ? docker_list : oci_index;
    List document = {{"schemaVersion", 2}, {"mediaType", type}, {"manifests", all.entries}};
    for (const std::string& text : annotations) {
        const std::size_t colon = text.find(':'), equals = text.find('=');
        const std::string key = text.substr(colon < equals ? colon + 1 : 0, equals - (colon < equals ? colon + 1 : 0));
        document["annotations"][key] = equals == std::string::npos ? "" : text.substr(equals + 1);
    }
    std::string bytes = json_text(document, 2);
    // One source stays what it is, byte for byte.
    const bool as_it_is = sources.size() == 1 && annotations.empty() && !all.filtered && files.empty() &&
                          (!prefer_index || is_index(List::parse(all.only.bytes)));
    if (as_it_is) {
        bytes = all.only.bytes;
        type = all.only.media_type.c_str();
    }
    if (globals.dry_run) {
        std::puts(printable(bytes, "\n").c_str());
        return 0;
    }
    std::string digest;
    for (const std::string& tag : tags) {
        digest = push_list({tag, bytes, type, all.sources}, false, interrupts.token());
        std::fprintf(stderr, "pushing %s to %s\n", digest.c_str(), printable(parse_image_name(tag).canonical).c_str());
    }
    if (!metadata_file.empty()) {
        std::set<std::string> names;
        for (const std::string& tag : tags) names.insert(repository_of(tag));
        const List metadata = {
            {"containerimage.descriptor", {{"mediaType", type}, {"digest", digest}, {"size", bytes.size()}}},
            {"image.name", fmt::format("{}", fmt::join(names, ","))}};
        write_file_atomic(metadata_file, json_text(metadata, 2) + "\n", 0644);
    }
    return 0;
}

} // namespace davit::cli
