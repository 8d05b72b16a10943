#include "engine/build_request.hpp"

#include "base/build_entries.hpp"
#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "compose/place.hpp"
#include "davit/labels.hpp"
#include "model/image_reference.hpp"
#include "reconcile/labels.hpp"

#include <algorithm>

namespace davit {

namespace {

BuildSecret secret_of(const Project& project, const FileReference& wanted) {
    BuildSecret out;
    out.id = wanted.target.empty() ? wanted.source : wanted.target;
    if (const std::size_t slash = out.id.rfind("/run/secrets/"); slash == 0) out.id = out.id.substr(13);
    const auto it = project.secrets.find(wanted.source);
    if (it == project.secrets.end()) return out;
    const FileObject& secret = it->second;
    if (!secret.file.empty()) out.file = secret.file;
    else if (secret.content) out.value = *secret.content;
    if (secret.file.empty()) out.environment = secret.environment; // where the value is from
    return out;
}

void add_labels(const Project& project, const Service& service, BuildRequest& request) {
    for (const auto& [key, value] : service.build->labels) request.labels.emplace_back(key, value);
    request.labels.emplace_back(label::project, project.name);
    request.labels.emplace_back(label::service, service.name);
    request.labels.emplace_back(label::version, label::compose_version);
}

// A type=… of BuildKit's that only its daemon or a hosting service has.
bool is_foreign_cache(const std::string& entry) {
    for (const char* type : {"type=gha", "type=s3", "type=azblob"})
        if (entry.find(type) != std::string::npos) return true;
    return false;
}

std::optional<BuildProvenance> provenance_of_service(const Project& project, const Service& service) {
    const std::string text = attest_of("provenance", service.build->provenance);
    if (text.empty()) return std::nullopt;
    try {
        const auto wanted = provenance_of(parse_attest_entry(text));
        if (!wanted) return std::nullopt;
        return BuildProvenance{wanted->details, wanted->builder_id, wanted->version};
    } catch (const Error& e) {
        const SourcePos at = compose::place_of(project, "services." + service.name + ".build.provenance");
        throw error(Errc::invalid_project, "service \"{}\": build.provenance: {}", service.name, e.what())
            .with_at(at.line ? at : service.origin.pos)
            .with_hint(e.hint());
    }
}

} // namespace

BuildRequest build_request(const Project& project, const Service& service, const BuildWishes& wishes,
                           const std::function<std::string(const std::string&)>& image_of, bool named) {
    const BuildConfig& build = *service.build;
    BuildRequest out;
    out.context = build.context;
    out.dockerfile = build.dockerfile;
    if (!build.dockerfile_inline.empty()) {
        out.dockerfile_inline = build.dockerfile_inline;
        out.dockerfile.clear();
    }
    out.target = build.target;
    for (const auto& [name, value] : build.args)
        if (value) out.args.emplace_back(name, value);
    for (const auto& arg : wishes.args) out.args.push_back(arg); // of one given twice the last counts
    for (const auto& arg : wishes.defaults)
        if (std::none_of(out.args.begin(), out.args.end(), [&](const auto& a) { return a.first == arg.first; }))
            out.args.push_back(arg);
    add_labels(project, service, out);
    if (named) {
        out.tags.push_back(image_reference(project, service));
        out.tags.insert(out.tags.end(), build.tags.begin(), build.tags.end());
    }
    out.platforms = build.platforms;
    if (!service.platform.empty()) out.platforms = {service.platform};
    out.pull = build.pull || wishes.pull;
    out.no_cache = build.no_cache || wishes.no_cache;
    out.no_cache_filter = build.no_cache_filter;
    out.network = build.network;
    for (const auto& [host, addresses] : build.extra_hosts)
        for (const auto& address : addresses) out.extra_hosts.emplace_back(host, address);
    out.shm_size = build.shm_size;
    out.ulimits = build.ulimits;
    for (const auto& [name, value] : build.additional_contexts)
        out.contexts.emplace_back(name, image_of && SharedWith::parse(value).is_service()
                                            ? "docker-image://" + image_of(std::string(SharedWith::parse(value).name))
                                            : value);
    for (const auto& secret : build.secrets) out.secrets.push_back(secret_of(project, secret));
    out.ssh = wishes.ssh;
    for (const auto& key : build.ssh) {
        BuildSsh ssh;
        ssh.id = key.id;
        if (!key.path.empty()) ssh.paths.push_back(key.path);
        out.ssh.push_back(std::move(ssh));
    }
    out.entitlements = build.entitlements;
    out.privileged = build.privileged;
    for (const auto& entry : build.cache_from)
        if (!is_foreign_cache(entry)) out.cache_from.push_back(entry);
    for (const auto& entry : build.cache_to)
        if (!is_foreign_cache(entry)) out.cache_to.push_back(entry);
    out.provenance = provenance_of_service(project, service);
    out.check_only = wishes.check_only;
    return out;
}

std::vector<std::string> build_dependencies(const Service& service) {
    std::vector<std::string> out;
    if (!service.build) return out;
    for (const auto& [name, value] : service.build->additional_contexts)
        if (const SharedWith with = SharedWith::parse(value); with.is_service()) out.emplace_back(with.name);
    return out;
}

std::vector<std::string> unacted_build_keys(const Service& service) {
    std::vector<std::string> out;
    if (!service.build) return out;
    const auto wanted = [](const std::string& value) { return !value.empty() && value != "false"; };
    if (wanted(service.build->sbom)) out.push_back("sbom");
    for (const auto* list : {&service.build->cache_from, &service.build->cache_to})
        for (const auto& entry : *list)
            if (is_foreign_cache(entry))
                out.push_back((list == &service.build->cache_from ? "cache_from " : "cache_to ") + entry);
    return out;
}

} // namespace davit
