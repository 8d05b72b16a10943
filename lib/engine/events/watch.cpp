#include "engine/events/watch.hpp"

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/roots.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>

namespace davit {

namespace {

// The nearest directory above `path` that is there.
std::string nearest_directory(std::string path) {
    while (path.size() > 1 && !exists(path)) path.resize(std::max<std::size_t>(path.rfind('/'), 1));
    return path;
}

// Returns when something was made on the way to the socket, or stop is requested.
void wait_for_change(const std::string& directory, const std::string& socket, std::stop_token stop) {
    const UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    const UniqueFd end(::eventfd(0, EFD_CLOEXEC));
    if (!end) throw sys_error(errno, "watching {}", directory);
    const std::string above = nearest_directory(directory);
    // Where the containers have taken all that root may have of inotify: look again.
    const bool watched =
        inotify && ::inotify_add_watch(inotify.get(), above.c_str(), IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) >= 0;
    constexpr int look_again_ms = 100;
    // Made between the look and the watch?
    if (exists(socket) || nearest_directory(directory) != above) return;
    std::stop_callback wake(stop, [&] { ::eventfd_write(end.get(), 1); });
    pollfd fds[] = {{inotify.get(), POLLIN, 0}, {end.get(), POLLIN, 0}};
    while (::poll(fds, 2, watched ? -1 : look_again_ms) < 0 && errno == EINTR) {}
}

} // namespace

void watch_project(Engine& engine, const std::string& project, const std::function<bool(const Event&)>& sink,
                   std::stop_token stop, const std::function<bool()>& gap) {
    const ProjectPaths paths(roots_of(engine), project);
    bool go_on = true;
    while (go_on && !stop.stop_requested()) {
        try {
            engine.subscribe(
                project, [&](const Event& event) { return go_on = sink(event); }, stop);
        } catch (const Error& e) {
            if (e.kind() != Errc::unavailable && e.kind() != Errc::interrupted) throw;
        }
        go_on = gap() && go_on;
        if (go_on && !stop.stop_requested() && !exists(paths.supervisor_socket()))
            wait_for_change(paths.run, paths.supervisor_socket(), stop);
        else if (go_on && !stop.stop_requested()) {
            // A socket that nobody listens on: its supervisor died, and the next one makes it anew.
            const auto listens = [&] {
                try {
                    return static_cast<bool>(sys::connect_unix(paths.supervisor_socket(), SOCK_STREAM));
                } catch (const Error&) {
                    return false;
                }
            };
            if (!listens()) wait_for_change(paths.run, paths.run + "/none", stop);
        }
    }
}

} // namespace davit
