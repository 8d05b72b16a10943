#include "davit/logs.hpp"

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/sys.hpp"
#include "engine/logs/reader.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"
#include "supervisor/client/protocol.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <list>
#include <map>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>

namespace davit {

namespace {

constexpr int look_again_ms = 200;
constexpr std::uint32_t log_changes = IN_MODIFY | IN_CREATE | IN_MOVED_TO;
constexpr std::uint32_t directory_changes = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM;

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool live(const ContainerInfo& c) {
    return c.state == ContainerState::running || c.state == ContainerState::paused ||
           c.state == ContainerState::restarting;
}

struct Followed {
    ContainerInfo container;
    std::unique_ptr<LogReader> reader; // none when its log is not shown
    std::int64_t finished_at = 0;      // of the last end that was reported
    bool over = false;                 // it has ended
    bool gone = false;
    bool log_watched = false, status_watched = false;
    bool log_changed = true, status_changed = true;
};

} // namespace

struct LogFollower::Impl {
    Engine& engine;
    std::string project;
    ProjectPaths paths;
    RecordStore store;
    LogSink sink;
    FollowOptions options;
    UniqueFd inotify, wake;
    std::list<Followed> all;
    std::map<int, std::pair<Followed*, bool>> watches; // → whose, log or status; null: the lists of containers
    bool list_changed = true;
    bool first = true;
    std::atomic<std::int64_t> stopped_at = 0; // when the stop was requested; what is written later is nobody's
    bool blind = false; // containers have taken all that root may have of inotify: look again and again

    Impl(Engine& e, const Roots& roots, const std::string& p, LogSink to, FollowOptions o)
        : engine(e), project(p), paths(roots, p), store(roots), sink(std::move(to)), options(std::move(o)) {
        if (options.history_only) return; // closing what watched something takes the kernel 15 ms
        inotify.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!wake) throw sys_error(errno, "watching the logs of project '{}'", project);
        blind = !inotify;
    }

    int watch(const std::string& path, std::uint32_t events) {
        const int wd = !inotify ? -1 : ::inotify_add_watch(inotify.get(), path.c_str(), events | IN_ONLYDIR);
        if (wd < 0 && inotify && (errno == ENOSPC || errno == ENOMEM)) blind = true;
        return wd;
    }

    void watch_lists() {
        for (const std::string& directory : {paths.containers(), paths.run + "/containers"})
            if (const int wd = watch(directory, directory_changes); wd >= 0) watches[wd] = {nullptr, false};
    }

    void watch_one(Followed& f) {
        if (f.reader && !f.log_watched)
            if (const int wd = watch(parent_of(f.reader->path()), log_changes); wd >= 0) {
                watches[wd] = {&f, true};
                f.log_watched = true;
                f.log_changed = true;
            }
        if (!f.status_watched)
            if (const int wd = watch(paths.run_container(f.container.id), directory_changes); wd >= 0) {
                watches[wd] = {&f, false};
                f.status_watched = true;
                f.status_changed = true;
            }
    }

    // Containers that came or went.
    void refresh() {
        list_changed = false;
        watch_lists();
        std::set<std::string> there;
        for (ContainerInfo& c : engine.containers(project)) {
            there.insert(c.id);
            const bool known =
                std::any_of(all.begin(), all.end(), [&](const Followed& f) { return f.container.id == c.id; });
            if (known || (options.wanted && !options.wanted(c))) continue;
            add(std::move(c));
        }
        for (Followed& f : all) {
            if (!there.count(f.container.id)) {
                f.gone = true;
                f.status_changed = f.log_changed = true;
            }
            watch_one(f);
        }
        first = false;
    }

    void add(ContainerInfo&& c) {
        Followed& f = all.emplace_back();
        f.container = std::move(c);
        const bool shown = !options.shown || options.shown(f.container);
        if (shown && !f.container.log_path.empty()) {
            f.reader = std::make_unique<LogReader>(f.container.log_path, first ? options.range : LogRange{});
            if (first && options.from_now) f.reader->skip_to_end();
            if (sink.added) sink.added(f.container);
        }
        if (first) {
            f.finished_at = f.container.finished_at;
            f.over = ended(f.container);
        }
    }

    // It has been stopped, and is about to be started again: somebody restarts it. A stop says first that the container
    // is to stay down; a restart leaves that as it is, and a start turns it round.
    bool comes_back(const ContainerInfo& c) const {
        if (c.state != ContainerState::exited) return false;
        const auto record = store.container(project, c.id);
        if (!record) return false;
        const ContainerStatus now = store.status(*record);
        if (now.state != ContainerState::exited) return true; // it has begun in the meantime
        return record->desired == DesiredState::running && now.stopped_by_user;
    }

    // It does not run and will not by itself. One that was made and has not run yet is somebody's next step: the
    // container that takes the place of another, for one.
    bool ended(const ContainerInfo& c) const {
        return !live(c) && c.state != ContainerState::created && !comes_back(c);
    }

    // At the end of a log that nobody waits to see more of comes what stands there without a newline.
    std::optional<LogLine> next_of_history(Followed& f) const {
        auto line = f.reader->next();
        return line || !(options.history_only || f.over) ? std::move(line) : f.reader->rest();
    }

    void drain(Followed& f) {
        f.log_changed = false;
        if (!f.reader) return;
        while (auto line = f.reader->next()) {
            pass(f, *line);
            const std::int64_t end = stopped_at;
            if (end && line->time_ns > end) return; // whoever writes faster than this reads would never let it end
        }
    }

    // It ran when it was looked at last, or has run since; its process is gone, and how it ended is about to
    // be written: that change wakes us.
    static bool about_to_end(const Followed& f, const ContainerInfo& now) {
        const bool ran = live(f.container) || now.started_at != f.container.started_at;
        return ran && !live(now) && !now.exit_known && now.finished_at <= f.finished_at;
    }

    // Reads the status first: once it says "exited" the log is complete.
    bool look(Followed& f) {
        f.status_changed = false;
        bool go_on = true;
        auto now = engine.container(project, f.container.id);
        drain(f);
        if (now && about_to_end(f, *now)) {
            f.over = false;
            return true;
        }
        if (now) {
            f.container = std::move(*now);
            // It may have been started again since.
            if (f.container.finished_at && f.container.finished_at != f.finished_at) go_on = report(f);
        }
        f.over = f.gone || !now || ended(f.container);
        return go_on;
    }

    bool report(Followed& f) {
        f.finished_at = f.container.finished_at;
        const bool restarting = live(f.container) || comes_back(f.container);
        if (f.reader)
            while (auto line = f.reader->rest()) pass(f, *line);
        return !sink.ended || sink.ended({f.container, f.container.exit_code, restarting, f.reader != nullptr});
    }

    void read_changes() {
        alignas(inotify_event) char buffer[16384];
        for (;;) {
            const ssize_t n = ::read(inotify.get(), buffer, sizeof buffer);
            if (n <= 0) return;
            for (ssize_t i = 0; i < n;) {
                inotify_event event{};
                std::copy_n(buffer + i, sizeof event, reinterpret_cast<char*>(&event));
                i += static_cast<ssize_t>(sizeof event + event.len);
                note(event);
            }
        }
    }

    void note(const inotify_event& event) {
        if (event.mask & IN_Q_OVERFLOW) return look_at_all();
        const auto found = watches.find(event.wd);
        if (found == watches.end()) return;
        auto [f, is_log] = found->second;
        if (event.mask & IN_IGNORED) { // the directory is gone, and may be made anew
            watches.erase(found);
            if (f) (is_log ? f->log_watched : f->status_watched) = false;
            list_changed = true;
        }
        if (!f) list_changed = true;
        else if (is_log) f->log_changed = true;
        else f->status_changed = true;
    }

    void pass(const Followed& f, const LogLine& line) const {
        if (sink.line) sink.line(f.container, line);
    }

    void rest() const {
        if (sink.idle) sink.idle();
    }

    void wait_for_changes() {
        rest();
        pollfd fds[] = {{inotify.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
        while (::poll(fds, 2, blind ? look_again_ms : -1) < 0 && errno == EINTR) {}
        eventfd_t ignored = 0;
        if (fds[1].revents) ::eventfd_read(wake.get(), &ignored);
        if (blind) look_at_all();
        if (inotify) read_changes();
    }

    void look_at_all() {
        list_changed = true;
        for (Followed& f : all) f.log_changed = f.status_changed = true;
    }

    bool all_over() const {
        return std::all_of(all.begin(), all.end(), [](const Followed& f) { return f.over; });
    }
};

LogFollower::LogFollower(Engine& engine, const std::string& project, LogSink sink, FollowOptions options)
    : impl_(std::make_unique<Impl>(engine, roots_of(engine), project, std::move(sink), std::move(options))) {
    impl_->refresh();
}
LogFollower::~LogFollower() = default;

void LogFollower::wake() { ::eventfd_write(impl_->wake.get(), 1); }
bool LogFollower::empty() const { return impl_->all.empty(); }

void LogFollower::read_history(std::stop_token stop) {
    // A merge of the readers by time; each holds one line. One that comes in pieces is shown to its end.
    using Head = std::pair<Followed*, std::optional<LogLine>>;
    std::vector<Head> heads;
    for (Followed& f : impl_->all)
        if (f.reader) heads.emplace_back(&f, impl_->next_of_history(f));
    Head* best = nullptr;
    for (;;) {
        if (!best || !best->second || best->second->first) {
            best = nullptr;
            for (Head& head : heads)
                if (head.second && (!best || head.second->time_ns < best->second->time_ns)) best = &head;
        }
        if (!best || stop.stop_requested()) break;
        impl_->pass(*best->first, *best->second);
        best->second = impl_->next_of_history(*best->first);
    }
    impl_->rest();
}

void LogFollower::run(std::stop_token stop, const std::function<bool()>& started) {
    impl_->stopped_at = 0;
    std::stop_callback on_stop(stop, [this] {
        impl_->stopped_at = sys::realtime_ns();
        wake();
    });
    bool may_end = false;
    for (;;) {
        const bool last = impl_->stopped_at != 0; // before it is looked: all that was written by then is found
        if (last) impl_->look_at_all();
        if (!may_end && (!started || started())) {
            // Changes may be queued that were made before `started` became true: look at everything once.
            may_end = true;
            impl_->list_changed = true;
            for (Followed& f : impl_->all) f.status_changed = true;
        }
        if (impl_->list_changed) impl_->refresh();
        bool go_on = true;
        for (Followed& f : impl_->all) {
            if (f.status_changed) go_on = impl_->look(f) && go_on;
            else if (f.log_changed) impl_->drain(f);
        }
        impl_->all.remove_if([&](const Followed& f) {
            if (!f.gone) return false;
            std::erase_if(impl_->watches, [&](const auto& w) { return w.second.first == &f; });
            return true;
        });
        const bool over = may_end && (!started || started()) && impl_->all_over();
        if (!go_on || last || over) break;
        impl_->wait_for_changes();
    }
    impl_->rest();
}

void read_log(const ContainerInfo& container, const LogRange& range, const std::function<bool(const LogLine&)>& sink) {
    if (container.log_path.empty()) return;
    LogReader reader(container.log_path, range);
    while (auto line = reader.next())
        if (!sink(*line)) return;
    while (auto line = reader.rest())
        if (!sink(*line)) return;
}

void keep_logs(Engine& engine, const std::string& project) { SupervisorClient::look_after(roots_of(engine), project); }

} // namespace davit
