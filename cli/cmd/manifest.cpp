// `manifest`, `plugin`: looked at. manifest_lists.cpp makes lists.
#include "cli/cmd/manifest.hpp"

#include "base/error.hpp"
#include "base/json_depth.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/manifest_lists.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/docker_errors.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/template.hpp"
#include "cli/interrupts.hpp"
#include "cli/manifest_store.hpp"
#include "cli/options.hpp"
#include "davit/images.hpp"
#include "davit/registry.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using ManifestJson = nlohmann::ordered_json;

ManifestJson parsed(const RemoteManifest& manifest, const std::string& name) {
    auto out = parse_untrusted_as<ManifestJson>(manifest.bytes);
    if (out.is_discarded()) throw error(Errc::failed, "the manifest of {} is no JSON", name);
    return out;
}

ManifestJson verbose_document(const std::string& name, const RemoteManifest& manifest, const ManifestJson& platform) {
    ManifestJson descriptor = {
        {"mediaType", manifest.media_type}, {"digest", manifest.digest}, {"size", manifest.bytes.size()}};
    if (!platform.is_null()) descriptor["platform"] = platform;
    const bool oci = manifest.media_type.starts_with("application/vnd.oci.");
    return {
        {"Ref", name}, {"Descriptor", descriptor}, {oci ? "OCIManifest" : "SchemaV2Manifest", parsed(manifest, name)}};
}

// Of an index, those of all platforms.
ManifestJson verbose_documents(const std::string& name, const RemoteManifest& manifest, bool insecure,
                               const std::stop_token& stop) {
    const ManifestJson document = parsed(manifest, name);
    const ImageName named = parse_image_name(name);
    const std::string bare = named.canonical.substr(0, named.canonical.find('@'));
    if (!document.contains("manifests")) return verbose_document(bare, manifest, nullptr);
    auto out = ManifestJson::array();
    for (const ManifestJson& entry : document["manifests"]) {
        const std::string one = named.repository + "@" + entry.at("digest").get<std::string>();
        out.push_back(verbose_document(bare + "@" + entry.at("digest").get<std::string>(),
                                       remote_manifest(one, insecure, stop), entry.value("platform", ManifestJson())));
    }
    return out;
}

// One of a list that was made here.
int inspect_listed(const std::string& list, const std::string& name, bool verbose) {
    const ManifestStore store;
    const auto found = store.find(parse_image_name(list).canonical, parse_image_name(name).canonical);
    if (!found) throw error(docker_is_spoken() ? Errc::usage : Errc::not_found, "No such manifest: {}", name);
    ManifestJson shown = *found;
    shown.erase("Raw");
    if (!verbose) shown = found->contains("OCIManifest") ? found->at("OCIManifest") : found->at("SchemaV2Manifest");
    std::printf("%s\n", json_text(shown, 3).c_str());
    return 0;
}

// Docker's client asks the registry itself, and says so in words of its own where it has none.
RemoteManifest there(const std::string& name, bool insecure, const std::stop_token& stop) {
    try {
        return remote_manifest(name, insecure, stop);
    } catch (const Error& e) {
        if (!docker_is_spoken() || e.kind() != Errc::not_found) throw;
        throw error(Errc::usage, "no such manifest: {}", parse_image_name(name).canonical);
    }
}

int inspect_manifest(Globals& globals, const Args& args) {
    bool insecure = false, verbose = false;
    std::vector<std::string> names;
    Options options(globals, "manifest inspect [OPTIONS] [MANIFEST_LIST] MANIFEST",
                    "Display a manifest, or the list of several");
    options.flag("insecure", insecure, "Allow communication with an insecure registry")
        .flag("v,verbose", verbose, "Output additional info including layers and platform")
        .arguments(names, 1, 2);
    if (!options.parse(args)) return 0;
    if (names.size() == 2) return inspect_listed(names[0], names[1], verbose);
    if (const ManifestJson kept = kept_manifest_list(names.front()); !kept.is_null()) {
        std::printf("%s\n", json_text(kept, 3).c_str());
        return 0;
    }
    Interrupts interrupts;
    const RemoteManifest manifest = there(names.front(), insecure, interrupts.token());
    const ManifestJson document = verbose ? verbose_documents(names.front(), manifest, insecure, interrupts.token())
                                          : parsed(manifest, names.front());
    std::printf("%s\n", json_text(document, 3).c_str());
    return 0;
}

std::string without_blanks(std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\n'; });
    return text;
}

// Shown as it is without --format.
bool is_whole_manifest(const std::string& format) { return without_blanks(format) == "{{.Manifest}}"; }

// "linux/arm64/v8"
std::string platform_text(const ManifestJson& platform) {
    const std::string variant = platform.value("variant", "");
    return platform.value("os", "") + "/" + platform.value("architecture", "") + (variant.empty() ? "" : "/" + variant);
}

// The configuration of the one image, or those of an index by platform; what an index keeps beside images is none.
ManifestJson configurations(const std::string& name, const RemoteManifest& manifest, const std::stop_token& stop) {
    const auto of = [&](const std::string& one, const RemoteManifest& image) {
        auto out = parse_untrusted_as<ManifestJson>(remote_config(one, image, false, stop));
        if (!out.is_object()) throw error(Errc::failed, "the configuration of {} is no JSON", one);
        return out;
    };
    const ManifestJson document = parsed(manifest, name);
    if (!document.contains("manifests")) return of(name, manifest);
    ManifestJson out = ManifestJson::object();
    for (const ManifestJson& entry : document["manifests"]) {
        const ManifestJson platform = entry.value("platform", ManifestJson::object());
        if (platform.value("os", "unknown") == "unknown") continue;
        const std::string one = parse_image_name(name).repository + "@" + entry.at("digest").get<std::string>();
        out[platform_text(platform)] = of(one, remote_manifest(one, false, stop));
    }
    return out.size() == 1 ? out.begin().value() : out;
}

// "mediaType" → "MediaType", in all that has fields and is no map of the user's.
ManifestJson with_field_names(const ManifestJson& value) {
    if (value.is_array()) {
        ManifestJson out = ManifestJson::array();
        for (const auto& one : value) out.push_back(with_field_names(one));
        return out;
    }
    if (!value.is_object()) return value;
    ManifestJson out = ManifestJson::object();
    for (const auto& [key, one] : value.items()) {
        std::string name = key == "os" ? "OS" : key == "rootfs" ? "RootFS" : key == "urls" ? "URLs" : key;
        const bool is_field = !name.empty() && name.find_first_of("./") == std::string::npos;
        if (is_field && name.front() >= 'a' && name.front() <= 'z') name.front() -= 'a' - 'A';
        out[name] = key == "annotations" || key == "Labels" ? one : with_field_names(one);
    }
    return out;
}

// What buildx's templates see: .Name, .Manifest, .Image.
std::string formatted(const std::string& name, const RemoteManifest& manifest, const std::string& format,
                      const std::stop_token& stop) {
    const ManifestJson document = parsed(manifest, name);
    ManifestJson shown = {
        {"mediaType", manifest.media_type}, {"digest", manifest.digest}, {"size", manifest.bytes.size()}};
    if (document.contains("manifests")) {
        shown = {{"schemaVersion", document.value("schemaVersion", 2)}};
        if (document.contains("mediaType")) shown["mediaType"] = document["mediaType"];
        shown["digest"] = manifest.digest;
        shown["size"] = manifest.bytes.size();
        shown["manifests"] = document["manifests"];
        if (document.contains("annotations")) shown["annotations"] = document["annotations"];
    }
    ManifestJson data = {{"name", name}, {"manifest", shown}};
    if (format.find(".Image") != std::string::npos || without_blanks(format) == "{{json.}}")
        data["image"] = configurations(name, manifest, stop);
    // Whole documents have lines of their own there.
    const std::string whole = without_blanks(format);
    if (whole == "{{json.}}") return json_text(data, 2);
    for (const auto& [field, key] :
         {std::pair{"{{json.Name}}", "name"}, {"{{json.Manifest}}", "manifest"}, {"{{json.Image}}", "image"}})
        if (whole == field) return json_text(data[key], 2);
    // Fields have Go's names, of which JSON knows nothing.
    const bool as_json = format.find("json") != std::string::npos;
    const ManifestJson image = data.value("image", ManifestJson());
    const ManifestJson fields = {{"Name", name},
                                 {"Manifest", as_json ? shown : with_field_names(shown)},
                                 {"Image", as_json ? image : with_field_names(image)}};
    return Template(format).execute_inspected(fields, fields);
}

int list_plugins(Globals& globals, const Args& args) {
    bool quiet = false, full = false;
    std::string format;
    std::vector<std::string> filters;
    Options options(globals, "plugin ls [OPTIONS]", "List plugins");
    options.list("f,filter", filters, "Provide filter values", "filter")
        .value("format", format, "Format output using a custom template")
        .flag("no-trunc", full, "Don't truncate output")
        .flag("q,quiet", quiet, "Only display plugin IDs");
    if (!options.parse(args)) return 0;
    const nlohmann::json headers{
        {"ID", "ID"}, {"Name", "NAME"}, {"Description", "DESCRIPTION"}, {"Enabled", "ENABLED"}};
    if (!quiet)
        std::fputs(
            render_list(ListFormat::parse(format), {}, {"ID", "Name", "Description", "Enabled"}, headers).c_str(),
            stdout);
    return 0;
}

} // namespace

int print_image_tools(Globals& globals, const Args& args) {
    bool raw = false;
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "buildx imagetools inspect [OPTIONS] NAME", "Show details of an image in the registry");
    options.flag("raw", raw, "Show original, unformatted JSON manifest")
        .value("format", format, "Format the output using the given Go template")
        .each("builder", "string", check_builder, "")
        .hidden()
        .arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    if (raw && !format.empty()) throw error(Errc::usage, "format and raw cannot be used together");
    Interrupts interrupts;
    const RemoteManifest manifest = remote_manifest(names.front(), false, interrupts.token());
    if (raw) {
        std::fputs(printable_json(manifest.bytes).c_str(), stdout);
        return 0;
    }
    if (!format.empty() && !is_whole_manifest(format)) {
        std::fputs(formatted(names.front(), manifest, format, interrupts.token()).c_str(), stdout);
        return 0;
    }
    const ManifestJson document = parsed(manifest, names.front());
    const ImageName named = parse_image_name(names.front());
    std::string out = fmt::format("Name:      {}\nMediaType: {}\nDigest:    {}\n", named.canonical, manifest.media_type,
                                  manifest.digest);
    if (document.contains("manifests")) out += "\nManifests: \n";
    const std::string bare = named.canonical.substr(0, named.canonical.find('@'));
    for (const ManifestJson& entry : document.value("manifests", ManifestJson::array())) {
        const ManifestJson platform = entry.value("platform", ManifestJson::object());
        out += fmt::format("  Name:      {}@{}\n  MediaType: {}\n", bare, entry.value("digest", ""),
                           entry.value("mediaType", ""));
        const std::string variant = platform.value("variant", "");
        if (!platform.empty())
            out += fmt::format("  Platform:  {}/{}{}\n", platform.value("os", ""), platform.value("architecture", ""),
                               variant.empty() ? "" : "/" + variant);
        out += "\n";
    }
    std::fputs(printable(out, "\n").c_str(), stdout);
    return 0;
}

int run_manifest(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"annotate", "Add additional information to a local image manifest", run_manifest_annotate},
        {"create", "Create a local manifest list for annotating and pushing to a registry", run_manifest_create},
        {"inspect", "Display a manifest, or the list of several", inspect_manifest},
        {"push", "Push a manifest list to a repository", run_manifest_push},
        {"rm", "Delete one or more manifest lists from local storage", run_manifest_rm},
    };
    return run_group(globals, args, "manifest", "Manage manifests of images in registries, and lists of them", verbs);
}

int run_plugin(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"ls", "List plugins", list_plugins, VerbGroup::project, "list"},
    };
    return run_group(globals, args, "plugin", "List plugins: davit has none", verbs);
}

} // namespace davit::cli
