#include "davit/publish.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "compose/local_files.hpp"
#include "compose/sensitive.hpp"
#include "compose/template.hpp"
#include "registry/push.hpp"
#include "registry/reference.hpp"
#include "remote/artifact_types.hpp"
#include "remote/project_artifact.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>

namespace davit {

namespace {

namespace fs = std::filesystem;

std::string expanded(const std::string& text, const Project& project) {
    const auto result = compose::expand(text, [&](std::string_view name) -> const std::string* {
        const auto it = project.environment.find(std::string(name));
        return it == project.environment.end() ? nullptr : &it->second;
    });
    return result.text;
}

// The files, each with what it names: read once, however often it is named.
class Collection {
public:
    explicit Collection(const Project& project) : project_(project) {}

    std::vector<PublishedFile> run() {
        for (const std::string& file : project_.compose_files) {
            if (file == "-")
                throw error(Errc::unsupported, "a project from standard input cannot be published")
                    .with_hint("write it to a file, and name that with -f");
            // Of the files of a project the paths are relative to its directory.
            out_.push_back({PublishedFile::Kind::compose, fs::path(file).filename(),
                            taken(read_file(file), file, project_.working_dir)});
        }
        while (!extended_.empty()) {
            const auto [path, name] = *extended_.begin();
            extended_.erase(extended_.begin());
            known_[path] = name;
            out_.push_back(
                {PublishedFile::Kind::extended, name, taken(read_file(path), path, fs::path(path).parent_path())});
        }
        for (const auto& [path, name] : env_files_)
            if (const auto text = read_file_if_exists(path)) // one that may be missing
                out_.push_back({PublishedFile::Kind::env_file, name, *text});
        return std::move(out_);
    }

private:
    // The text with names that hold anywhere; what it names is noted.
    std::string taken(const std::string& text, const std::string& file, const fs::path& directory) {
        std::vector<std::pair<compose::FileUse, std::string>> names;
        for (const auto& use : compose::uses_of_local_files(text, file)) {
            const fs::path path = directory / expanded(use.path, project_);
            const std::string whole = path.lexically_normal();
            const bool env = use.kind == compose::FileUse::Kind::env_file;
            if (!env && !exists(whole)) continue; // it is elsewhere: a URL, which loading has found
            const std::string name = sha256_hex(whole) + (env ? ".env" : ".yaml");
            names.emplace_back(use, name);
            if (env) env_files_[whole] = name;
            else if (!known_.contains(whole)) extended_[whole] = name;
        }
        return compose::with_file_names(text, names);
    }

    const Project& project_;
    std::vector<PublishedFile> out_;
    std::map<std::string, std::string> extended_, env_files_, known_; // path → name in the artifact
};

void check_images(const Project& project) {
    std::string missing;
    for (const auto& [name, service] : project.services)
        if (service.image.empty() && service.build) missing += "\n- \"" + name + "\"";
    if (missing.empty()) return;
    throw error(Errc::invalid_project,
                "your Compose stack cannot be published as it only contains a build section for service(s):{}", missing)
        .with_hint("give each an image: whose name leads to a registry");
}

// Whoever gives the project away gives these away.
void check_environment(const Project& project, bool allowed) {
    std::string found;
    for (const auto& [name, service] : project.services) {
        if (!service.env_file.empty()) found += fmt::format("service \"{}\" has env_file declared.\n", name);
        if (!service.environment.empty())
            found += fmt::format("service \"{}\" has environment variable(s) declared.\n", name);
    }
    for (const auto& [key, config] : project.configs)
        if (!config.environment.empty())
            found += fmt::format("config \"{}\" is declare as an environment variable.\n", config.name);
    if (allowed || found.empty()) return;
    throw error(Errc::invalid_project,
                "{}To avoid leaking sensitive data, you must either explicitly allow the sending of environment "
                "variables by using the --with-env flag,\nor remove sensitive data from your Compose configuration",
                found);
}

std::optional<std::string> about_bind_mounts(const Project& project) {
    std::string list;
    for (const auto& [name, service] : project.services)
        for (const Mount& mount : service.volumes)
            if (mount.type == MountType::bind)
                list += fmt::format("{}: {} -> {}\n", name, printable(mount.source), printable(mount.target));
    if (list.empty()) return std::nullopt;
    return "you are about to publish bind mounts declaration within your OCI artifact.\n"
           "only the bind mount declarations will be added to the OCI artifact (not content)\n"
           "please double check that you are not mounting potential user's sensitive directories or data\n" +
           list + "Are you ok to publish these bind mount declarations?";
}

std::optional<std::string> about_secrets(const Project& project, const std::vector<PublishedFile>& files) {
    std::string list;
    const auto look = [&](const std::string& name, std::string_view text) {
        for (const auto& found : compose::sensitive_texts(text))
            list += fmt::format("{}\n\"{}\": {}:{}\n", found.kind, printable(found.key), printable(name), found.line);
    };
    for (const PublishedFile& file : files) look(file.name, file.bytes);
    // What they hold is not published; that it is named is worth a look all the same.
    for (const auto* objects : {&project.configs, &project.secrets})
        for (const auto& [key, object] : *objects)
            if (!object.file.empty())
                if (const auto text = read_file_if_exists(object.file)) look(object.file, *text);
    if (list.empty()) return std::nullopt;
    return "you are about to publish sensitive data within your OCI artifact.\n"
           "please double check that you are not leaking sensitive data\n" +
           list + "Are you ok to publish these sensitive data?";
}

std::optional<std::string> about_environment(const Project& project) {
    std::string list;
    for (const auto& [name, service] : project.services) {
        if (service.environment.empty()) continue;
        list += "Service/Config  " + name + "\n";
        for (const auto& [key, value] : service.environment)
            list += printable(key) + "=" + printable(value.value_or("")) + "\n";
    }
    for (const auto& [key, config] : project.configs)
        if (!config.environment.empty())
            list += "Service/Config  " + config.name + "\n" + config.name + "=" + printable(config.environment) + "\n";
    if (list.empty()) return std::nullopt;
    return "you are about to publish environment variables within your OCI artifact.\n"
           "please double check that you are not leaking sensitive data\n" +
           list + "Are you ok to publish these environment variables?";
}

class ArtifactPush {
public:
    ArtifactPush(const registry::Reference& reference, const std::stop_token& stop)
        : reference_(reference), options_(options_of(stop)),
          client_(registry::registry_endpoint(reference.domain(), options_.insecure_registries), reference.path(),
                  options_, registry::Purpose::push),
          uploader_(client_) {}

    std::string run(const std::vector<PublishedFile>& files, const std::string& version) {
        const auto artifact = remote::project_artifact(files, version, rfc3339(sys::realtime_ns()));
        for (const auto& blob : artifact.blobs) {
            registry::BlobPush push;
            push.blob = {blob.media_type, blob.digest, blob.bytes.size(), std::nullopt, {}};
            push.open = [&](std::uint64_t offset) {
                return std::make_unique<archive::MemorySource>(blob.bytes.substr(offset));
            };
            uploader_.push(push, options_.stop);
        }
        const std::string digest = "sha256:" + sha256_hex(artifact.manifest);
        const std::string& selector = reference_.tag().empty() ? digest : reference_.tag();
        uploader_.manifest(selector, digest, remote::media::manifest, artifact.manifest, options_.stop);
        return digest;
    }

private:
    static registry::RegistryOptions options_of(const std::stop_token& stop) {
        registry::RegistryOptions out;
        registry::read_daemon_config(out);
        out.stop = stop;
        return out;
    }

    const registry::Reference& reference_;
    registry::RegistryOptions options_;
    registry::RegistryClient client_;
    registry::Uploader uploader_;
};

} // namespace

Publication prepare_publication(const Project& project, const PublishOptions& options) {
    if (!options.oci_version.empty() && options.oci_version != "1.0" && options.oci_version != "1.1")
        throw error(Errc::usage, "unsupported OCI version: {}", options.oci_version).with_hint("1.0 or 1.1");
    check_images(project);
    check_environment(project, options.with_env);
    Publication out;
    out.oci_version = options.oci_version;
    out.files = Collection(project).run();
    if (!options.image_digests.empty())
        out.files.push_back({PublishedFile::Kind::compose, "image-digests.yaml", options.image_digests});
    for (auto& question : {about_bind_mounts(project), about_secrets(project, out.files), about_environment(project)})
        if (question) out.questions.push_back(*question);
    return out;
}

PublishedProject publish(const Publication& publication, const std::string& repository, std::stop_token stop) {
    const auto reference = registry::Reference::parse(repository);
    if (!reference.digest().empty())
        throw error(Errc::usage, "a name with a digest cannot be published").with_hint("name it by its tag");
    ArtifactPush push(reference, stop);
    PublishedProject out{reference.canonical(), {}};
    const std::string version = publication.oci_version.empty() ? "1.1" : publication.oci_version;
    return in_context("publishing " + reference.familiar(), [&] {
        try {
            out.digest = push.run(publication.files, version);
        } catch (const Error& e) {
            // A registry that does not know artifacts refuses the manifest: neither login nor network is to blame.
            const bool unknown =
                e.kind() != Errc::denied && e.kind() != Errc::unavailable && e.kind() != Errc::interrupted;
            if (!publication.oci_version.empty() || !unknown) throw;
            out.digest = push.run(publication.files, "1.0");
        }
        return out;
    });
}

} // namespace davit
