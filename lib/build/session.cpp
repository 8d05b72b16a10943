#include "build/session.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "build/foreign.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

void Session::open_ssh() {
    const auto is_socket = [](const std::string& path) {
        struct stat st {};
        return ::stat(path.c_str(), &st) == 0 && S_ISSOCK(st.st_mode);
    };
    for (const BuildSsh& given : request.ssh) {
        SshSource source;
        const char* own = std::getenv("SSH_AUTH_SOCK");
        if (given.paths.empty() && (!own || !*own)) continue; // a step that needs it says so
        if (given.paths.empty()) {
            source.agent = own;
        } else if (given.paths.size() == 1 && is_socket(given.paths.front())) {
            source.agent = given.paths.front();
        } else {
            for (const std::string& path : given.paths) {
                if (is_socket(path))
                    throw error(Errc::usage, "--ssh {}: {} is an agent's socket, which stands alone", given.id, path);
                source.keys.push_back(in_context("--ssh " + given.id, [&] { return SshKey::read(path); }));
            }
        }
        if (given.id == "default") open_agent(source);
        ssh_[given.id] = std::move(source);
    }
}

// What git is given for contexts and ADD. A socket's name may be short only.
void Session::open_agent(const SshSource& source) {
    agent_ = source.agent;
    if (!agent_.empty()) return;
    const std::string directory = ingest.fresh();
    agent_directory_ = sys::open(directory, O_PATH | O_DIRECTORY);
    own_agent_ = std::make_unique<SshProxy>(directory + "/agent", source, 0600, 0, 0);
    agent_ = fmt::format("/proc/{}/fd/{}/agent", ::getpid(), agent_directory_.get());
}

std::optional<SshSource> Session::ssh_source(const std::string& id) const {
    const auto it = ssh_.find(id);
    if (it == ssh_.end()) return std::nullopt;
    return it->second;
}

const std::vector<std::string>& Session::handlers() const {
    const std::lock_guard hold(mutex_);
    if (!handlers_) handlers_ = binfmt_handlers();
    return *handlers_;
}

HttpFileOptions Session::http() const {
    HttpFileOptions out;
    out.secret = [this](const std::string& id) { return secret(id); };
    out.stop = stop();
    out.ssh_agent = agent_;
    if (!request.no_cache) out.memory = roots.state + "/cache/build/urls";
    return out;
}

} // namespace davit::build
