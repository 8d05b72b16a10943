#include "davit/publish.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "compose/local_files.hpp"
#include "compose/template.hpp"
#include "remote/publish_questions.hpp"

#include <filesystem>
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
    Collection(const Project& project, bool with_env) : project_(project), with_env_(with_env) {}

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
        if (!with_env_) return std::move(out_);
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
    bool with_env_;
    std::vector<PublishedFile> out_;
    std::map<std::string, std::string> extended_, env_files_, known_; // path → name in the artifact
};

void check_images(const Project& project) {
    std::string missing;
    for (const auto& [name, service] : project.services)
        if (service.image.empty() && service.build) missing += (missing.empty() ? "" : ", ") + name;
    if (missing.empty()) return;
    throw error(Errc::invalid_project, "only built, and so of no use to others: {}", missing)
        .with_hint("give each of these services an image: whose name leads to a registry");
}

} // namespace

Publication prepare_publication(const Project& project, const PublishOptions& options) {
    if (!options.oci_version.empty() && options.oci_version != "1.0" && options.oci_version != "1.1")
        throw error(Errc::usage, "unsupported OCI version: {}", options.oci_version).with_hint("1.0 or 1.1");
    check_images(project);
    Publication out;
    out.oci_version = options.oci_version;
    out.images = options.images;
    out.insecure = options.insecure;
    out.files = Collection(project, options.with_env).run();
    out.questions = remote::publish_questions(project, out.files, options.with_env);
    if (!options.image_digests.empty())
        out.files.push_back({PublishedFile::Kind::compose, "image-digests.yaml", options.image_digests});
    return out;
}

} // namespace davit
