#include "registry/http.hpp"

#include "base/error.hpp"
#include "base/programs.hpp"

namespace davit::registry {

std::unique_ptr<HttpSession> make_http_session() {
    static const auto entry = reinterpret_cast<HttpModuleEntry>(open_module("davit-registry.so", http_module_entry));
    std::unique_ptr<HttpSession> session(entry(http_module_abi));
    if (!session)
        throw error(Errc::unsupported, "davit-registry.so belongs to another version of davit")
            .with_hint("reinstall davit");
    return session;
}

} // namespace davit::registry
