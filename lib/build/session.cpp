#include "build/session.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

#include <cstdlib>

namespace davit::build {

void Session::check_stop() const {
    if (cancel.stop_requested()) throw error(Errc::interrupted, "cancelled");
}

std::optional<std::string> Session::secret(const std::string& id) const {
    for (const BuildSecret& secret : request.secrets) {
        if (secret.id != id) continue;
        if (secret.value) return secret.value;
        if (!secret.file.empty()) return read_file(secret.file);
        if (const char* value = std::getenv((secret.environment.empty() ? id : secret.environment).c_str()))
            return std::string(value);
    }
    return std::nullopt;
}

HttpFileOptions Session::http() const {
    HttpFileOptions out;
    out.secret = [this](const std::string& id) { return secret(id); };
    out.stop = stop();
    return out;
}

} // namespace davit::build
