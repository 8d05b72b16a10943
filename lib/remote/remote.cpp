#include "davit/remote.hpp"

#include "base/error.hpp"
#include "remote/cache.hpp"
#include "remote/git_fetch.hpp"
#include "remote/oci_project.hpp"

namespace davit {

ResourceLoader remote_resources(RemoteOptions options) {
    if (options.cache_dir.empty()) options.cache_dir = remote::default_cache_directory();
    return [options](const std::string& name) -> std::optional<std::string> {
        if (name.starts_with("oci://")) {
            if (!options.oci) throw error(Errc::usage, "compose files from registries are switched off: {}", name);
            return in_context("fetching " + name, [&] {
                return remote::fetch_from_registry(name.substr(6), options.cache_dir, options.insecure_registries,
                                                   options.stop);
            });
        }
        const auto ref = remote::parse_git_ref(name);
        if (!ref) return std::nullopt;
        if (!options.git) throw error(Errc::usage, "compose files from git repositories are switched off: {}", name);
        return in_context("fetching " + name,
                          [&] { return remote::fetch_from_git(*ref, name, options.cache_dir, options.stop); });
    };
}

} // namespace davit
