#include "cli/cmd/manifest_lists.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "cli/builders.hpp"
#include "cli/format/json_text.hpp"
#include "cli/interrupts.hpp"
#include "cli/manifest_store.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/registry.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using List = nlohmann::ordered_json;

constexpr const char* docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";

bool is_index(const List& document) { return document.contains("manifests"); }

List parsed_manifest(const RemoteManifest& manifest, const std::string& name) {
    List out = List::parse(manifest.bytes, nullptr, false);
    if (!out.is_object()) throw error(Errc::failed, "the manifest of {} is no JSON", name);
    return out;
}

List platform_json(const image::Platform& platform) {
    List out = {{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    return out;
}

// "registry:5000/app" of "registry:5000/app:1".
std::string repository_of(const std::string& name) { return parse_image_name(name).repository; }

// ---- manifest

ListedManifest looked_up(const std::string& name, bool insecure, const std::stop_token& stop) {
    const RemoteManifest manifest = remote_manifest(name, insecure, stop);
    const List document = parsed_manifest(manifest, name);
    if (is_index(document)) throw error(Errc::usage, "{} is a manifest list", name).with_hint("name what it lists");
    const bool oci = manifest.media_type.starts_with("application/vnd.oci.");
    return {{"Ref", parse_image_name(name).canonical},
            {"Descriptor",
             {{"mediaType", manifest.media_type},
              {"digest", manifest.digest},
              {"size", manifest.bytes.size()},
              {"platform", platform_json(remote_platform(name, manifest, insecure, stop))}}},
            {"Raw", base64_encode(manifest.bytes)},
            {oci ? "OCIManifest" : "SchemaV2Manifest", document}};
}

List list_of(const std::vector<ListedManifest>& manifests) {
    List entries = List::array();
    for (const ListedManifest& one : manifests) {
        const List& d = one.at("Descriptor");
        entries.push_back({{"mediaType", d.at("mediaType")},
                           {"size", d.at("size")},
                           {"digest", d.at("digest")},
                           {"platform", d.value("platform", List::object())}});
    }
    return {{"schemaVersion", 2}, {"mediaType", docker_list}, {"manifests", entries}};
}

void require_list(const ManifestStore& store, const std::string& name) {
    if (!store.has(parse_image_name(name).canonical))
        throw error(Errc::not_found, "No such manifest: {}", parse_image_name(name).canonical)
            .with_hint("'docker manifest create' makes it");
}

} // namespace

List kept_manifest_list(const std::string& name) {
    const ManifestStore store;
    const std::string list = parse_image_name(name).canonical;
    return store.has(list) ? list_of(store.manifests(list)) : List();
}

int run_manifest_create(Globals& globals, const Args& args) {
    bool amend = false, insecure = false;
    std::vector<std::string> words;
    Options options(globals, "manifest create MANIFEST_LIST MANIFEST [MANIFEST...]",
                    "Create a local manifest list for annotating and pushing to a registry");
    options.flag("a,amend", amend, "Amend an existing manifest list")
        .flag("insecure", insecure, "Allow communication with an insecure registry")
        .arguments(words, 2);
    if (!options.parse(args)) return 0;
    const ManifestStore store;
    const std::string list = parse_image_name(words[0]).canonical;
    if (store.has(list) && !amend)
        throw error(Errc::conflict, "refusing to amend an existing manifest list with no --amend flag");
    Interrupts interrupts;
    std::vector<ListedManifest> found;
    for (std::size_t i = 1; i < words.size(); ++i) found.push_back(looked_up(words[i], insecure, interrupts.token()));
    if (!globals.dry_run)
        for (const ListedManifest& one : found) store.put(list, one);
    std::printf("Created manifest list %s\n", printable(list).c_str());
    return 0;
}

int run_manifest_annotate(Globals& globals, const Args& args) {
    std::string architecture, os, os_version, variant;
    std::vector<std::string> features, words;
    Options options(globals, "manifest annotate [OPTIONS] MANIFEST_LIST MANIFEST",
                    "Add additional information to a local image manifest");
    options.value("arch", architecture, "Set architecture")
        .value("os", os, "Set operating system")
        .list("os-features", features, "Set operating system feature", "strings")
        .value("os-version", os_version, "Set operating system version")
        .value("variant", variant, "Set architecture variant")
        .arguments(words, 2, 2);
    if (!options.parse(args)) return 0;
    const ManifestStore store;
    require_list(store, words[0]);
    const std::string list = parse_image_name(words[0]).canonical, name = parse_image_name(words[1]).canonical;
    auto found = store.find(list, name);
    if (!found) throw error(Errc::not_found, "manifest for image {} does not exist in {}", words[1], words[0]);
    List& platform = (*found)["Descriptor"]["platform"];
    if (!platform.is_object()) platform = List::object();
    const auto set = [&](const char* key, const std::string& value) {
        if (!value.empty()) platform[key] = value;
    };
    set("architecture", architecture);
    set("os", os);
    set("os.version", os_version);
    set("variant", variant);
    if (!features.empty()) platform["os.features"] = features;
    if (!globals.dry_run) store.put(list, *found);
    return 0;
}

int run_manifest_push(Globals& globals, const Args& args) {
    bool insecure = false, purge = false;
    std::vector<std::string> words;
    Options options(globals, "manifest push [OPTIONS] MANIFEST_LIST", "Push a manifest list to a repository");
    options.flag("insecure", insecure, "Allow push to an insecure registry")
        .flag("p,purge", purge, "Remove the local manifest list after push")
        .arguments(words, 1, 1);
    if (!options.parse(args)) return 0;
    const ManifestStore store;
    const std::string list = parse_image_name(words[0]).canonical;
    require_list(store, words[0]);
    const auto manifests = store.manifests(list);
    RemoteList sent{list, json_text(list_of(manifests), 3), docker_list, {}};
    std::string copied;
    for (const ListedManifest& one : manifests) {
        const List& d = one.at("Descriptor");
        const std::string name = one.at("Ref").get<std::string>(), digest = d.at("digest").get<std::string>();
        const List platform = d.value("platform", List::object());
        if (platform.value("os", "").empty() || platform.value("architecture", "").empty())
            throw error(Errc::usage, "manifest {} must have an OS and Architecture to be pushed to a registry", name);
        sent.sources.push_back(repository_of(name) + "@" + digest);
        if (repository_of(name) != repository_of(list))
            copied += "Pushed ref " + repository_of(list) + "@" + digest + " with digest: " + digest + "\n";
    }
    if (globals.dry_run) return 0;
    Interrupts interrupts;
    const std::string digest = push_list(sent, insecure, interrupts.token());
    std::fputs((copied + digest + "\n").c_str(), stdout);
    if (purge) store.remove(list);
    return 0;
}

int run_manifest_rm(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "manifest rm MANIFEST_LIST [MANIFEST_LIST...]",
                    "Delete one or more manifest lists from local storage");
    options.arguments(names, 1);
    if (!options.parse(args)) return 0;
    const ManifestStore store;
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            require_list(store, name);
            if (!globals.dry_run) store.remove(parse_image_name(name).canonical);
        });
    errors.throw_if_any();
    return 0;
}

// ---- buildx imagetools create

namespace {

struct Combined {
    List entries = List::array();
    std::vector<std::string> sources;
    RemoteManifest only; // of one source and nothing else
    bool docker = true;  // all of them are of docker's media types
};

void add_source(Combined& to, const std::string& name, const std::stop_token& stop) {
    const RemoteManifest manifest = remote_manifest(name, false, stop);
    const List document = parsed_manifest(manifest, name);
    const auto add = [&](const List& entry) {
        for (const List& known : to.entries)
            if (known.at("digest") == entry.at("digest")) return;
        to.docker = to.docker && entry.value("mediaType", "").starts_with("application/vnd.docker.");
        to.entries.push_back(entry);
        to.sources.push_back(repository_of(name) + "@" + entry.at("digest").get<std::string>());
    };
    if (is_index(document)) {
        for (const List& entry : document["manifests"]) add(entry);
    } else {
        add({{"mediaType", manifest.media_type},
             {"digest", manifest.digest},
             {"size", manifest.bytes.size()},
             {"platform", platform_json(remote_platform(name, manifest, false, stop))}});
    }
    to.only = manifest;
}

} // namespace

int create_image_list(Globals& globals, const Args& args) {
    bool append = false, prefer_index = true;
    std::vector<std::string> tags, sources, files, annotations;
    Options options(globals, "buildx imagetools create [OPTIONS] [SOURCE...]",
                    "Create a new image based on source images");
    options.list("annotation", annotations, "Add annotation to the image", "stringArray")
        .flag("append", append, "Append to existing manifest")
        .list("f,file", files, "Read source descriptor from file (not in davit)", "stringArray")
        .hidden()
        .flag("prefer-index", prefer_index, "When only a single source is specified, prefer outputting an image index")
        .list("t,tag", tags, "Set reference for new image", "stringArray")
        .each("builder", "string", check_builder, "")
        .hidden()
        .ignored("progress", "string")
        .arguments(sources);
    if (!options.parse(args)) return 0;
    if (!files.empty()) throw error(Errc::unsupported, "davit reads no descriptors of sources from files");
    if (sources.empty()) throw error(Errc::usage, "no sources specified");
    if (tags.empty() && !globals.dry_run)
        throw error(Errc::usage, "can't push without a tag").with_hint("-t registry/app:1");
    if (append && tags.size() != 1) throw error(Errc::usage, "--append wants one --tag");
    if (append) sources.insert(sources.begin(), tags.front());
    Interrupts interrupts;
    Combined all;
    for (const std::string& name : sources) add_source(all, name, interrupts.token());
    const char* type = all.docker ? docker_list : oci_index;
    List document = {{"schemaVersion", 2}, {"mediaType", type}, {"manifests", all.entries}};
    for (const std::string& text : annotations) {
        const std::size_t colon = text.find(':'), equals = text.find('=');
        const std::string key = text.substr(colon < equals ? colon + 1 : 0, equals - (colon < equals ? colon + 1 : 0));
        document["annotations"][key] = equals == std::string::npos ? "" : text.substr(equals + 1);
    }
    std::string bytes = json_text(document, 2);
    // One source stays what it is, byte for byte.
    const bool as_it_is =
        sources.size() == 1 && annotations.empty() && (!prefer_index || is_index(List::parse(all.only.bytes)));
    if (as_it_is) {
        bytes = all.only.bytes;
        type = all.only.media_type.c_str();
    }
    if (globals.dry_run) {
        std::puts(printable(bytes, "\n").c_str());
        return 0;
    }
    for (const std::string& tag : tags) {
        const std::string digest = push_list({tag, bytes, type, all.sources}, false, interrupts.token());
        std::fprintf(stderr, "pushing %s to %s\n", digest.c_str(), printable(parse_image_name(tag).canonical).c_str());
    }
    return 0;
}

} // namespace davit::cli
