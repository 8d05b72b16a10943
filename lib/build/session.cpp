#include "build/session.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

#include <cstdlib>

namespace davit::build {

void Session::check_stop() const {
    if (cancel.stop_requested()) throw error(Errc::interrupted, "cancelled");
}

void Session::use(const image::StepRecord& record) {
    const std::lock_guard hold(mutex_);
    used_.insert_or_assign(record.key, record);
}

std::vector<image::StepRecord> Session::used() const {
    const std::lock_guard hold(mutex_);
    std::vector<image::StepRecord> out;
    for (const auto& [key, record] : used_) out.push_back(record);
    return out;
}

bool Session::first_use(const std::string& cache) {
    const std::lock_guard hold(mutex_);
    return caches_.insert(cache).second;
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
