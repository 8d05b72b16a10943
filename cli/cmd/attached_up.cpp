#include "cli/cmd/attached_up.hpp"

#include "base/error.hpp"
#include "cli/cmd/common.hpp"
#include "cli/diagnostics.hpp"
#include "cli/key_watch.hpp"
#include "cli/logs/last_words.hpp"
#include "cli/logs/printer.hpp"
#include "cli/terminal.hpp"
#include "cli/watching.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>
#include <unistd.h>

namespace davit::cli {

namespace {

using Names = std::set<std::string>;

constexpr char no_rules[] =
    "none of the selected services is configured for watch, consider setting a 'develop' section";

// No pattern: every service.
Names services_of(const Project& project, const std::vector<std::string>& patterns, Dependencies dependencies) {
    if (!patterns.empty()) return match_services(project, patterns, dependencies);
    Names out;
    for (const auto& [name, unused] : project.services) out.insert(name);
    return out;
}

class AttachedUp {
public:
    AttachedUp(Context& context, const Project& project, const UpOptions& options, const UpFlags& flags)
        : context_(context), project_(project), options_(options), flags_(flags),
          on_terminal_(is_terminal(STDOUT_FILENO) && progress_mode(context.globals()) == ProgressMode::tty),
          printer_({!flags.no_prefix, flags.timestamps, !flags.no_colour && use_ansi(context.globals(), STDOUT_FILENO),
                    true, on_terminal_, [&context](const auto& print) { context.display().beside(print); }}) {
        watch_wanted_ = flags.watch;
        named_ = services_of(project, options.services, Dependencies::ignore);
        all_ = services_of(project, options.services, options.no_deps ? Dependencies::ignore : Dependencies::include);
        shown_ = services_to_show();
        // As docker compose: the named services decide when it is over, else those that are shown.
        monitored_ = options.services.empty() && !flags.attach_dependencies ? shown_ : named_;
        if (!flags.exit_code_from.empty()) monitored_.insert(flags.exit_code_from);
    }

    int run() {
        context_.also_to([this](const Event& event) {
            unmet_.see(event);
            if (event.kind == EventKind::container_hook && shown_.count(event.service))
                printer_.hook(log_name(project_.name, event.container_name), event.time_ns, event.text);
        });
        if (flags_.watch && !has_watch_rules(project_, options_.services)) throw error(Errc::usage, "{}", no_rules);
        Engine& engine = context_.engine();
        CreateOptions create = options_;
        try {
            engine.create(project_, create, context_.stop());
        } catch (const Error& e) {
            if (!context_.interrupts().requested()) throw;
            return 130;
        }
        FollowOptions what;
        what.wanted = [this](const ContainerInfo& c) {
            return !c.oneoff && (shown_.count(c.service) || monitored_.count(c.service));
        };
        what.shown = [this](const ContainerInfo& c) { return shown_.count(c.service) > 0; };
        what.from_now = true;
        LogSink sink = print_to(printer_, project_.name, true, [this](const ContainerEnd& e) { return on_end(e); });
        LogFollower follower(engine, project_.name, std::move(sink), std::move(what));
        follower_ = &follower;
        announce();
        const bool menu = menu_ = wants_menu();
        KeyWatch keys(menu, [this](char key) { on_key(key); });
        context_.interrupts().on_resume([&] {
            keys.resumed();
            context_.display().resumed();
            if (menu) show_menu();
        });
        if (menu) show_menu();
        std::stop_callback on_interrupt(context_.stop(), [this] { end_.request_stop(); });
        std::jthread following([&] {
            follower.run(follow_end_.get_token(), [this] { return up_ && !watching_; });
            over();
        });
        start(engine, following);
        allow_watch();
        wait_for_end();
        end_watch();
        context_.interrupts().on_resume([this] { context_.display().resumed(); });
        menu_over_ = true;
        context_.display().keys({});
        if (detached_) {
            follow_end_.request_stop();
            return 0;
        }
        if (context_.interrupts().requested()) return stop_gracefully(engine, following);
        if (aborted_) abort(engine, following);
        follow_end_.request_stop();
        following.join();
        return exit_code();
    }

private:
    Names services_to_show() const {
        Names out = flags_.attach_dependencies || options_.services.empty() ? all_ : named_;
        if (!flags_.attach.empty()) {
            out.clear();
            for (const std::string& s : flags_.attach) {
                if (!project_.services.count(s)) throw error(Errc::not_found, "no such service: {}", s);
                out.insert(s);
            }
        }
        for (const std::string& s : flags_.no_attach) out.erase(s);
        std::erase_if(out, [&](const std::string& s) {
            const auto found = project_.services.find(s);
            return found != project_.services.end() && found->second.attach == false && flags_.attach.empty();
        });
        return out;
    }

    // On by default, as in docker compose.
    bool wants_menu() const {
        if (!on_terminal_ || !is_terminal(STDIN_FILENO)) return false;
        return flags_.menu.value_or(!std::getenv("COMPOSE_MENU") || env_flag("COMPOSE_MENU"));
    }

    // In the background of a shell nobody could press a key.
    void show_menu() {
        if (menu_over_ || !in_foreground(STDIN_FILENO)) return context_.display().keys({});
        context_.display().keys({{'w', watching_ ? "Disable Watch" : "Enable Watch"},
                                 {'l', logs_hidden_ ? "Show Logs" : "Hide Logs"},
                                 {'d', "Detach"}});
    }

    // In the thread of the keys.
    void on_key(char key) {
        if (menu_over_) return;
        switch (key) {
        case 'd':
            detached_ = true;
            end_.request_stop();
            break;
        case 'l':
            logs_hidden_ = !logs_hidden_;
            printer_.hide(logs_hidden_);
            show_menu();
            break;
        case 'w': toggle_watch(); break;
        case '\n': say("\n"); break;
        default: break;
        }
    }

    // The containers are there: what was asked for before begins.
    void allow_watch() {
        const std::lock_guard guard(watch_mutex_);
        may_watch_ = true;
        if (watch_wanted_) begin_watch();
    }

    // In the thread of the keys.
    void toggle_watch() {
        const std::lock_guard guard(watch_mutex_);
        watch_wanted_ = !watching_ && (may_watch_ || !watch_wanted_);
        if (watching_) {
            stop_watch();
            say(" ⦿ Watch disabled\n");
            show_menu_again();
        } else if (may_watch_) {
            begin_watch();
        }
    }

    void begin_watch() {
        if (!has_watch_rules(project_, options_.services)) return say((std::string(" ⦿ ") + no_rules + "\n").c_str());
        if (watch_thread_.joinable()) watch_thread_.join(); // it has failed
        watching_ = true;
        watch_thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
        show_menu_again();
    }

    void end_watch() {
        const std::lock_guard guard(watch_mutex_);
        stop_watch();
    }

    void stop_watch() {
        if (!watch_thread_.joinable()) return;
        watch_thread_.request_stop();
        watch_thread_.join();
        watching_ = false;
        follower_->wake();
    }

    void watch(const std::stop_token& stop) {
        Watching what;
        what.services = options_.services;
        what.up = options_;
        what.up->build = false;
        what.up->recreate = what.up->recreate_dependencies = Recreate::diverged;
        what.up->renew_anonymous_volumes = false;
        what.up->pull = PullMode::by_service;
        what.seen = [this](const WatchEvent& event) { note_ends(event); };
        const auto print = [this](const std::string& text, bool failure) {
            context_.display().beside([&] {
                std::fprintf(failure ? stderr : stdout, " ⦿ %s", text.c_str());
                std::fflush(stdout);
            });
        };
        try {
            watch_files(context_, project_, what, print, stop);
        } catch (const Error& e) {
            print(e.describe() + "\n", true);
            watching_ = false;
            follower_->wake();
            show_menu_again();
        }
    }

    // What a rule stops has not ended by itself.
    void note_ends(const WatchEvent& event) {
        using Kind = WatchEvent::Kind;
        if (event.kind == Kind::rebuilding || event.kind == Kind::restarting || event.kind == Kind::reconfiguring)
            replacing_ = true;
        else if (event.kind == Kind::rebuilt || event.kind == Kind::restarted || event.kind == Kind::reconfigured ||
                 event.kind == Kind::failed)
            replacing_ = false;
    }

    void show_menu_again() {
        if (menu_) show_menu();
    }

    void announce() {
        std::vector<std::string> names;
        for (const ContainerInfo& c : context_.engine().containers(project_.name))
            if (!c.oneoff && shown_.count(c.service)) names.push_back(log_name(project_.name, c.name));
        std::sort(names.begin(), names.end());
        std::string text;
        for (const std::string& n : names) text += (text.empty() ? "" : ", ") + n;
        context_.display().pause();
        context_.display().beside([&] {
            std::printf("Attaching to %s\n", text.c_str());
            std::fflush(stdout);
        });
    }

    void say(const char* text) {
        context_.display().beside([text] { std::fputs(text, stderr); });
    }

    // The containers exist: this starts them and waits for what they depend on.
    void start(Engine& engine, std::jthread& following) {
        UpOptions start = options_;
        start.recreate = start.recreate_dependencies = Recreate::never;
        start.renew_anonymous_volumes = false;
        start.pull = PullMode::by_service;
        try {
            engine.up(project_, start, end_.get_token());
        } catch (const Error&) {
            if (!end_.stop_requested()) {
                follow_end_.request_stop();
                following.join();
                context_.mute();
                unmet_.tell(engine, project_.name, shown_);
                throw;
            }
        }
        up_ = true;
        follower_->wake();
    }

    // In the follower's thread. What must not go on while it prints is left to the main thread.
    bool on_end(const ContainerEnd& end) {
        if (end.restarting || replacing_ || !monitored_.count(end.container.service)) return true;
        if (end.container.service == flags_.exit_code_from) code_from_ = end.exit_code;
        const bool abort = flags_.abort_on_exit || (flags_.abort_on_failure && end.exit_code != 0);
        if (abort && !aborted_.exchange(true)) {
            first_code_ = end.exit_code;
            end_.request_stop();
        }
        return true;
    }

    void over() { end_.request_stop(); }

    void wait_for_end() {
        std::mutex mutex;
        std::condition_variable_any changed;
        std::unique_lock lock(mutex);
        changed.wait(lock, end_.get_token(), [] { return false; });
    }

    StopOptions stop_options() const {
        StopOptions stop;
        stop.services.assign(named_.begin(), named_.end()); // as docker compose: what they depend on goes on
        stop.timeout = options_.timeout;
        return stop;
    }

    int stop_gracefully(Engine& engine, std::jthread& following) {
        say("\nGracefully Stopping... press Ctrl+C again to force\n"); // after the terminal's "^C"
        std::stop_source forced;
        context_.interrupts().on_second([&] { forced.request_stop(); });
        std::jthread killer([&](const std::stop_token& done) {
            std::mutex mutex;
            std::condition_variable_any changed;
            std::unique_lock lock(mutex);
            std::stop_callback wake(done, [&] { forced.request_stop(); });
            changed.wait(lock, forced.get_token(), [] { return false; });
            if (done.stop_requested()) return;
            KillOptions kill;
            kill.services.assign(named_.begin(), named_.end());
            try {
                Engine(EngineOptions{}).kill(ProjectRef(project_), kill);
            } catch (const Error& e) {
                print_error(e);
            }
        });
        try {
            engine.stop(ProjectRef(project_), stop_options());
        } catch (const Error& e) {
            if (!forced.stop_requested() || e.kind() != Errc::interrupted)
                throw; // what it would still have stopped is killed
        }
        killer.request_stop();
        killer.join();
        context_.interrupts().on_second([] {
            restore_terminal();
            ::_exit(130);
        });
        follow_end_.request_stop();
        following.join();
        return 130;
    }

    void abort(Engine& engine, std::jthread&) {
        say("Aborting on container exit...\n");
        engine.stop(ProjectRef(project_), stop_options(), context_.stop());
        if (flags_.exit_code_from.empty() || code_from_) return;
        for (const ContainerInfo& c : engine.containers(project_.name))
            if (c.service == flags_.exit_code_from && !c.oneoff) code_from_ = c.exit_code;
    }

    int exit_code() const {
        if (!aborted_) return 0;
        return flags_.exit_code_from.empty() ? first_code_.load() : code_from_.value_or(0);
    }

    Context& context_;
    const Project& project_;
    const UpOptions& options_;
    const UpFlags& flags_;
    const bool on_terminal_; // all of it: progress, logs and what is drawn below them share one
    LogPrinter printer_;
    LogFollower* follower_ = nullptr;
    Names all_, named_, shown_, monitored_;
    std::atomic<bool> watching_ = false, replacing_ = false, menu_ = false;
    std::mutex watch_mutex_; // of the next three
    bool watch_wanted_ = false, may_watch_ = false;
    std::jthread watch_thread_;
    std::atomic<bool> up_ = false, aborted_ = false, detached_ = false, menu_over_ = false;
    bool logs_hidden_ = false; // of the keys' thread
    std::atomic<int> first_code_ = 0;
    std::optional<int> code_from_;
    UnmetConditions unmet_;
    std::stop_source end_;        // the foreground part is over: all ended, aborted, interrupted or detached
    std::stop_source follow_end_; // no more output is wanted
};

} // namespace

int attached_up(Context& context, const Project& project, const UpOptions& options, const UpFlags& flags) {
    context.interrupts();
    return AttachedUp(context, project, options, flags).run();
}

} // namespace davit::cli
