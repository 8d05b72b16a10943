#include "remote/publish_questions.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "compose/declared.hpp"
#include "compose/sensitive.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace davit::remote {

namespace {

std::string about_bind_mounts(const Project& project) {
    std::string list;
    for (const auto& [name, service] : project.services)
        for (const Mount& mount : service.volumes)
            if (mount.type == MountType::bind)
                list += fmt::format("  {}: {} -> {}\n", name, printable(mount.source), printable(mount.target));
    if (list.empty()) return "";
    return "bind mounts of this machine are named in what is published; what they hold is not in it:\n" + list +
           "Publish their names?";
}

// Passwords of services are asked about with their environment, and only those that look random here, too.
bool asked_with_environment(const compose::Sensitive& found, const compose::Declared& declared) {
    return found.kind == "Password" && !found.random &&
           std::any_of(declared.services.begin(), declared.services.end(), [&](const auto& service) {
               const auto& keys = service.second.keys;
               return std::find(keys.begin(), keys.end(), found.key) != keys.end();
           });
}

std::string about_secrets(const Project& project, const std::vector<PublishedFile>& files,
                          const compose::Declared& declared) {
    std::string list;
    const auto look = [&](const std::string& name, std::string_view text, bool of_compose) {
        for (const auto& found : compose::sensitive_texts(text))
            if (!of_compose || !asked_with_environment(found, declared))
                list += fmt::format("  {}:{}: {}: {}\n", printable(name), found.line, found.kind, printable(found.key));
    };
    for (const PublishedFile& file : files) look(file.name, file.bytes, file.kind != PublishedFile::Kind::env_file);
    // What they hold is not published; that it is named is worth a look all the same.
    for (const auto* objects : {&project.configs, &project.secrets})
        for (const auto& [key, object] : *objects)
            if (!object.file.empty())
                if (const auto text = read_file_if_exists(object.file)) look(object.file, *text, false);
    if (list.empty()) return "";
    return "these look like secrets:\n" + list + "Publish all the same?";
}

// Of all files together: what stands in several counts once.
compose::Declared declared_in_all(const std::vector<PublishedFile>& files) {
    compose::Declared out;
    std::map<std::string, std::set<std::string>> keys;
    std::set<std::string> contents;
    for (const PublishedFile& file : files) {
        if (file.kind == PublishedFile::Kind::env_file) continue;
        const auto found = compose::declared_in(file.bytes, file.name);
        contents.insert(found.contents.begin(), found.contents.end());
        for (const auto& [name, one] : found.services) {
            auto& all = out.services[name];
            all.env_file |= one.env_file;
            all.needs_env_file |= one.needs_env_file;
            keys[name].insert(one.keys.begin(), one.keys.end());
        }
    }
    for (const auto& [name, list] : keys) out.services[name].keys.assign(list.begin(), list.end());
    out.contents.assign(contents.begin(), contents.end());
    return out;
}

void check_env_files(const compose::Declared& declared) {
    std::string missing;
    for (const auto& [name, one] : declared.services)
        if (one.needs_env_file) missing += (missing.empty() ? "" : ", ") + name;
    if (missing.empty()) return;
    throw error(Errc::invalid_project, "nobody could load these services without their env_file: {}", missing)
        .with_hint("--with-env publishes env files too; 'required: false' beside its path lets one be missing");
}

std::string about_environment(const compose::Declared& declared) {
    std::string list;
    for (const auto& [name, one] : declared.services) {
        if (one.env_file) list += fmt::format("  {}: an env_file, which is not published\n", name);
        if (!one.keys.empty()) list += fmt::format("  {}: values of {}\n", name, fmt::join(one.keys, ", "));
    }
    if (list.empty()) return "";
    return "environment that is written out in what is published (--with-env publishes it without asking):\n" +
           printable(list, "\n") + "Publish it?";
}

std::string about_contents(const compose::Declared& declared) {
    if (declared.contents.empty()) return "";
    return printable(fmt::format("the contents of these configs are written out in what is published: {}\n",
                                 fmt::join(declared.contents, ", ")),
                     "\n") +
           "Publish them?";
}

} // namespace

std::vector<std::string> publish_questions(const Project& project, const std::vector<PublishedFile>& files,
                                           bool with_env) {
    const auto declared = declared_in_all(files);
    if (!with_env) check_env_files(declared);
    std::vector<std::string> out;
    for (auto& question : {about_bind_mounts(project), about_secrets(project, files, declared),
                           with_env ? std::string() : about_environment(declared), about_contents(declared)})
        if (!question.empty()) out.push_back(question);
    return out;
}

} // namespace davit::remote
