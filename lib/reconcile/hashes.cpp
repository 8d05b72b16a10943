#include "reconcile/hashes.hpp"

#include "base/hash.hpp"

#include <nlohmann/json.hpp>

namespace davit {

namespace {

void add_content(std::string& text, const char* kind, const std::vector<FileReference>& uses,
                 const std::map<std::string, FileObject>& objects,
                 const std::map<std::string, std::string>& environment) {
    for (const auto& use : uses) {
        auto it = objects.find(use.source);
        if (it == objects.end() || !it->second.file.empty() || it->second.external) continue;
        std::string content;
        if (it->second.content) content = *it->second.content;
        else if (auto value = environment.find(it->second.environment); value != environment.end())
            content = value->second;
        text += std::string(kind) + ":" + use.source + ":" + sha256_hex(content) + "\n";
    }
}

} // namespace

std::string content_hash(const Project& project, const Service& service) {
    std::string contents;
    add_content(contents, "config", service.configs, project.configs, project.environment);
    add_content(contents, "secret", service.secrets, project.secrets, project.environment);
    return contents.empty() ? contents : sha256_hex(contents);
}

std::string network_hash(const Network& network) {
    nlohmann::json pools = nlohmann::json::array();
    for (const auto& pool : network.ipam.config)
        pools.push_back({pool.subnet, pool.gateway, pool.ip_range, pool.aux_addresses});
    const nlohmann::json all{network.name,
                             network.driver.empty() ? "bridge" : network.driver,
                             network.driver_opts,
                             network.ipam.driver,
                             network.ipam.options,
                             pools,
                             network.internal,
                             network.attachable,
                             network.labels,
                             network.enable_ipv4.value_or(true),
                             network.enable_ipv6.value_or(false)};
    return sha256_hex(all.dump());
}

std::string volume_hash(const Volume& volume) {
    const nlohmann::json all{volume.name, volume.driver.empty() ? "local" : volume.driver, volume.driver_opts,
                             volume.labels};
    return sha256_hex(all.dump());
}

} // namespace davit
