#include "cli/cmd/manifest_lists.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "cli/cmd/manifest_documents.hpp"
#include "cli/docker_errors.hpp"
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
        throw error(docker_is_spoken() ? Errc::usage : Errc::not_found, "No such manifest: {}",
                    parse_image_name(name).canonical)
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

} // namespace davit::cli
