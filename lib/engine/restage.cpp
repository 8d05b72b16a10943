#include "engine/restage.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/step_files.hpp"
#include "image/store.hpp"
#include "runtime/oci/document.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace davit {

namespace {

unsigned number_in(const nlohmann::json& use, const char* key, unsigned otherwise, int base) {
    auto it = use.find(key);
    if (it == use.end() || !it->is_string()) return otherwise;
    const auto& text = it->get_ref<const std::string&>();
    unsigned out = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), out, base);
    return out;
}

std::string target_of(const nlohmann::json& use) {
    std::string target = use.value("target", "");
    if (target.empty()) target = use.value("source", "");
    if (!target.starts_with('/')) target = "/run/secrets/" + target;
    return std::filesystem::path(target).lexically_normal().string();
}

} // namespace

std::vector<SecretUse> secret_uses(const std::string& model) {
    std::vector<SecretUse> out;
    const auto project = nlohmann::json::parse(model, nullptr, false);
    if (!project.is_object()) return out;
    const auto none = nlohmann::json::object();
    const auto secrets = project.value("secrets", none);
    const auto services = project.value("services", none);
    for (const auto& [service, attributes] : services.items())
        for (const auto& use : attributes.value("secrets", nlohmann::json::array())) {
            const auto secret = secrets.value(use.value("source", ""), none);
            if (!secret.contains("environment")) continue;
            out.push_back({service, target_of(use), use.value("source", ""), secret.value("environment", ""),
                           number_in(use, "mode", 0444, 8), number_in(use, "uid", 0, 10),
                           number_in(use, "gid", 0, 10)});
        }
    return out;
}

SecretText secret_text(const Project* project) {
    return [project](const SecretUse& use) -> std::optional<std::string> {
        if (!project) return std::nullopt;
        auto it = project->environment.find(use.variable);
        if (it == project->environment.end()) return std::nullopt;
        return it->second;
    };
}

void Restager::prepare(const ContainerRecord& record) {
    if (store_.has_status(record) || !record.start_error.empty()) return;
    const std::string file = paths_.bundle(record.id);
    const runtime::Spec spec = runtime::spec_from_json(read_file(file), file);
    if (!host_) {
        const image::Store images(store_.roots().images()); // layers that had not reached the disk are made again
        host_ = runtime::HostFacts::probe();
    }
    const std::string secrets = paths_.run_container(record.id) + "/secrets/";
    in_context("preparing container " + record.name + " in this boot", [&] {
        for (const auto& mount : spec.mounts)
            if (mount.source.starts_with(secrets)) secret(record, mount);
        compile_step_files(paths_.container(record.id), record, spec, *host_, {store_.roots().bpf_cache()}, nullptr);
    });
}

void Restager::secret(const ContainerRecord& record, const runtime::Mount& mount) {
    if (!uses_) {
        const auto project = store_.project(project_);
        uses_ = secret_uses(project ? project->model : std::string());
    }
    auto use = std::find_if(uses_->begin(), uses_->end(), [&](const SecretUse& u) {
        return u.service == record.service && u.target == mount.destination;
    });
    if (use == uses_->end())
        throw error(Errc::not_found,
                    "the secret at {} of service \"{}\" stood in memory and is gone with the last boot",
                    mount.destination, record.service)
            .with_hint("'davit up -d --force-recreate' makes the container anew");
    const auto text = text_(*use);
    if (!text)
        throw error(
            Errc::not_found,
            "the secret \"{}\" of service \"{}\" stood in memory and is gone with the last boot: it came from the "
            "environment variable {}, which is not set here",
            use->name, record.service, use->variable)
            .with_hint(fmt::format("'{}=… davit up -d' brings it back; a secret that comes from a file is there after "
                                   "each boot",
                                   use->variable));
    sys::make_dirs(paths_.run_container(record.id) + "/secrets", 0700);
    const UniqueFd fd = sys::open(mount.source, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    sys::write_all(fd.get(), *text);
    if (::fchown(fd.get(), use->uid, use->gid) < 0) throw sys_error(errno, "giving {} its owner", mount.source);
    if (::fchmod(fd.get(), use->mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", mount.source);
}

} // namespace davit
