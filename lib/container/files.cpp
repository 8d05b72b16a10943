// Secrets and configs. From a file: a read-only bind mount. From the environment or inline: a secret
// is a file in memory (below /run), mounted read-only; a config is written into the container's layer.
#include "container/builder.hpp"

#include "base/error.hpp"

#include <charconv>
#include <filesystem>
#include <fmt/format.h>

namespace davit {

namespace {

unsigned number(const std::string& text, const char* what) {
    if (text.empty()) return 0;
    unsigned out = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (failed != std::errc() || end != text.data() + text.size())
        throw error(Errc::invalid_project, "invalid {} '{}': not a number", what, text);
    return out;
}

std::string under(const std::string& directory, const std::string& target) {
    const std::string path = !target.empty() && target.front() == '/' ? target : directory + "/" + target;
    return std::filesystem::path(path).lexically_normal().string();
}

} // namespace

void ContainerBuilder::secrets() {
    about_each("secrets", service_.secrets, [&](const FileReference& use) {
        auto it = in_.project.secrets.find(use.source);
        if (it == in_.project.secrets.end())
            throw error(Errc::invalid_project, "service \"{}\" refers to undefined secret {}", service_.name,
                        use.source);
        const std::string target = under("/run/secrets", use.target.empty() ? use.source : use.target);
        if (it->second.external) throw error(Errc::unsupported, "unsupported external secret {}", it->second.name);
        if (!it->second.file.empty()) file_mount(use, it->second, target, "secret");
        else inline_file(use, it->second, target, "secret");
    });
}

void ContainerBuilder::configs() {
    about_each("configs", service_.configs, [&](const FileReference& use) {
        auto it = in_.project.configs.find(use.source);
        if (it == in_.project.configs.end())
            throw error(Errc::invalid_project, "service \"{}\" refers to undefined config {}", service_.name,
                        use.source);
        const std::string target = under("", use.target.empty() ? use.source : use.target);
        if (it->second.external) throw error(Errc::unsupported, "unsupported external config {}", it->second.name);
        if (!it->second.file.empty()) file_mount(use, it->second, target, "config");
        else inline_file(use, it->second, target, "config");
    });
}

void ContainerBuilder::file_mount(const FileReference& use, const FileObject& object, const std::string& target,
                                  const char* kind) {
    const std::string& source = object.file;
    if (!use.uid.empty() || !use.gid.empty() || use.mode)
        out_.warnings.push_back(
            fmt::format("service \"{}\": uid, gid and mode of {} \"{}\" have no effect: it is the file {}",
                        service_.name, kind, use.source, source));
    runtime::Mount m;
    m.source = source;
    m.destination = target;
    m.readonly = true;
    out_.bind_sources.push_back({source, false, fmt::format("{} \"{}\"", kind, use.source), object.origin.pos});
    add(std::move(m), {"bind", "", source});
}

std::string ContainerBuilder::inline_content(const FileObject& object, const char* kind) const {
    if (object.content) return *object.content;
    if (object.environment.empty())
        throw error(Errc::invalid_project, "{} \"{}\" has neither file, environment nor content", kind, object.name);
    auto it = in_.project.environment.find(object.environment);
    if (it == in_.project.environment.end())
        throw error(Errc::invalid_project, "environment variable \"{}\" required by {} \"{}\" is not set",
                    object.environment, kind, object.name)
            .with_at(object.origin.pos);
    return it->second;
}

void ContainerBuilder::inline_file(const FileReference& use, const FileObject& object, const std::string& target,
                                   const char* kind) {
    if (service_.read_only)
        throw error(Errc::invalid_project,
                    "cannot create {} \"{}\" in read-only service {}: `file` is the sole supported option", kind,
                    object.name, service_.name);
    FileToWrite file;
    file.content = inline_content(object, kind);
    file.mode = use.mode.value_or(0444);
    file.uid = number(use.uid, "uid");
    file.gid = number(use.gid, "gid");
    if (std::string_view(kind) == "config") {
        file.path = target;
        out_.files.push_back(std::move(file));
        return;
    }
    file.path = fmt::format("{}/secrets/{}", paths_.run_container(in_.container.id), out_.secrets.size());
    runtime::Mount m;
    m.source = file.path;
    m.destination = target;
    m.readonly = true;
    m.recursive = false;
    out_.secrets.push_back(std::move(file));
    add(std::move(m), {});
}

} // namespace davit
