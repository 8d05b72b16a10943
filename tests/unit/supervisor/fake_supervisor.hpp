// What answers at a project's socket as a supervisor does, one connection after the other, and dies when a test says
// so.
#pragma once

#include "base/sys.hpp"
#include "project/paths.hpp"
#include "supervisor/client/frame.hpp"
#include "supervisor/client/wire.hpp"

#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace davit::supervisor::test {

class FakeSupervisor {
public:
    // The answer to a request of the connection with this number, from 0; nothing: it dies.
    using Answer = std::function<std::optional<json::Value>(int connection, const json::Value& request)>;

    FakeSupervisor(const std::string& project, Answer answer) : answer_(std::move(answer)) {
        std::string path = "/tmp/davit-test-XXXXXX";
        if (!::mkdtemp(path.data())) std::abort();
        path_ = path;
        const ProjectPaths paths(roots(), project);
        sys::make_dirs(paths.run, 0700);
        listening_ = sys::listen_unix(paths.supervisor_socket(), SOCK_STREAM);
        thread_ = std::jthread([this] { serve(); });
    }
    FakeSupervisor(const FakeSupervisor&) = delete;
    ~FakeSupervisor() {
        ::shutdown(listening_.get(), SHUT_RDWR); // accept() returns
        thread_.join();
        sys::remove_tree(path_);
    }
    Roots roots() const { return {path_ + "/state", path_ + "/run"}; }
    // Until so many of its connections have ended.
    void until_ended(int connections) {
        std::unique_lock hold(mutex_);
        changed_.wait(hold, [&] { return ended_ >= connections; });
    }

private:
    void serve() {
        for (int number = 0;; ++number) {
            UniqueFd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!connection) return;
            talk(number, connection.get());
            connection.reset();
            const std::lock_guard hold(mutex_);
            ++ended_;
            changed_.notify_all();
        }
    }

    void talk(int number, int fd) {
        FrameReader reader;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) {
            reader.feed({buffer, static_cast<std::size_t>(n)});
            while (auto frame = reader.next()) {
                const json::Value request = json::parse_text(*frame);
                if (request.value("type", "") == "bye") return;
                auto answer = answer_(number, request);
                if (!answer) return;
                sys::send_with_fds(fd, encode_frame(json::dump(*answer)), {});
                if (answer->value("type", "") == "hello" && answer->value("last", false)) return;
            }
        }
    }

    Answer answer_;
    std::string path_;
    UniqueFd listening_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int ended_ = 0;
    std::jthread thread_;
};

inline std::optional<json::Value> hello(bool last = false) {
    return std::make_optional<json::Value>(
        {{"type", "hello"}, {"proto", 1}, {"version", "test"}, {"pid", ::getpid()}, {"last", last}});
}
inline std::optional<json::Value> done(const json::Value& request) {
    return std::make_optional<json::Value>({{"type", "result"}, {"id", request.at("id")}, {"error", nullptr}});
}
inline std::optional<json::Value> failed(const json::Value& request, const Error& e) {
    return std::make_optional<json::Value>({{"type", "result"}, {"id", request.at("id")}, {"error", error_to_json(e)}});
}
inline bool is_hello(const json::Value& request) { return request.value("type", "") == "hello"; }

} // namespace davit::supervisor::test
