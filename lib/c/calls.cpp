// The calls of davit/davit.h: each is its namesake of the C++ headers, with its options read from JSON.
#include "base/error.hpp"
#include "c/handles.hpp"
#include "c/options.hpp"
#include "davit/events.hpp"
#include "davit/logs.hpp"

#include <algorithm>
#include <string_view>

namespace {

using namespace davit;

using c::engine_of;

davit::Scope& scope_of(davit_scope* scope) {
    if (!scope) throw error(Errc::usage, "the scope is NULL");
    return scope->scope;
}

std::uint16_t port_of(int port) {
    if (port < 1 || port > 65535) throw error(Errc::usage, "{} is not a port", port);
    return static_cast<std::uint16_t>(port);
}

int exec_in(davit::Engine& engine, const ContainerInfo& container, const char* command, std::string_view input,
            davit_output output, void* user, const davit_stop* stop) {
    c::Leaving leaving(stop);
    const auto sink = [&](ExecStream stream, std::string_view text) {
        if (output && output(user, static_cast<int>(stream), text.data(), text.size()) != 0) leaving.leave();
    };
    const ExecOptions options = c::exec_options(c::required(command, "the command"));
    try {
        return engine.exec(container, options, input, sink, leaving.token());
    } catch (const Error& e) {
        constexpr int killed = 128 + 9;
        if (e.kind() == Errc::interrupted && leaving.left()) return killed; // as the caller wanted
        throw;
    }
}

void logs_of(davit::Engine& engine, const std::string& project, const c::LogOptions& options, davit_item item,
             void* user, const davit_stop* stop) {
    c::Leaving leaving(stop);
    LogSink sink;
    sink.line = [&](const ContainerInfo& container, const LogLine& line) {
        if (!leaving.left() && item(user, c::to_json(container, line).c_str()) != 0) leaving.leave();
    };
    sink.ended = [&](const ContainerEnd&) { return !leaving.left(); };
    FollowOptions how;
    how.wanted = [&](const ContainerInfo& found) {
        return options.services.empty() || std::count(options.services.begin(), options.services.end(), found.service);
    };
    how.range.tail = options.tail;
    how.history_only = !options.follow;
    LogFollower follower(engine, project, sink, how);
    follower.read_history(leaving.token());
    if (options.follow && !leaving.left()) follower.run(leaving.token());
}

} // namespace

extern "C" {

char* davit_load(const char* options, davit_error** error) {
    return c::made(error, [&] { return c::text_for_caller(c::to_json(c::load_document(options))); });
}

davit_engine* davit_engine_new(const char* options, davit_error** error) {
    return c::made(error, [&] { return new davit_engine{davit::Engine(c::engine_options(options))}; });
}
void davit_engine_free(davit_engine* engine) { delete engine; }

int davit_up(davit_engine* engine, const char* project, const char* options, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        engine_of(engine).up(c::project_from(c::required(project, "the project")), c::up_options(options),
                             c::token(stop));
    });
}

int davit_down(davit_engine* engine, const char* name, const char* options, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        engine_of(engine).down(c::required(name, "the project's name"), c::down_options(options), c::token(stop));
    });
}

char* davit_ps(davit_engine* engine, const char* name, davit_error** error) {
    return c::made(error, [&] {
        return c::text_for_caller(
            c::to_json(name ? engine_of(engine).containers(name) : engine_of(engine).all_containers()));
    });
}

int davit_exec(davit_engine* engine, const char* name, const char* service, const char* command, const char* input,
               size_t input_size, davit_output output, void* user, int* exit_code, davit_stop* stop,
               davit_error** error) {
    return c::guarded(error, [&] {
        const ContainerInfo container = c::first_of(engine, name, service);
        const int code = exec_in(engine->engine, container, command, {input ? input : "", input ? input_size : 0},
                                 output, user, stop);
        if (exit_code) *exit_code = code;
    });
}

int davit_logs(davit_engine* engine, const char* name, const char* options, davit_item item, void* user,
               davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        if (!item) throw davit::error(Errc::usage, "nobody takes the lines");
        logs_of(engine_of(engine), c::required(name, "the project's name"), c::log_options(options), item, user, stop);
    });
}

int davit_events(davit_engine* engine, const char* name, const char* options, davit_item item, void* user,
                 davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        if (!item) throw davit::error(Errc::usage, "nobody takes the events");
        const auto range = c::event_options(options);
        const auto sink = [&](const MachineEvent& e) {
            return (name && e.project != name) || item(user, c::to_json(e).c_str()) == 0;
        };
        follow_machine_events(engine_of(engine), {range.since, range.until}, {}, sink, c::token(stop));
    });
}

int davit_wait(davit_engine* engine, const char* name, const char* waits, double timeout, davit_stop* stop,
               davit_error** error) {
    return c::guarded(error, [&] {
        davit::wait(engine_of(engine), c::required(name, "the project's name"),
                    c::waits_from(c::required(waits, "the waits")), c::nanoseconds_of(timeout, "the timeout"),
                    c::token(stop));
    });
}

davit_scope* davit_scope_new(const char* project, const char* options, const char* engine, davit_stop* stop,
                             davit_error** error) {
    return c::made(error, [&] {
        return new davit_scope{davit::Scope(c::project_from(c::required(project, "the project")),
                                            c::scope_options(options), c::engine_options(engine), c::token(stop))};
    });
}

const char* davit_scope_name(const davit_scope* scope) { return scope ? scope->scope.name().c_str() : ""; }

char* davit_scope_ps(davit_scope* scope, davit_error** error) {
    return c::made(error, [&] { return c::text_for_caller(c::to_json(scope_of(scope).containers())); });
}

char* davit_scope_address(davit_scope* scope, const char* service, int port, davit_error** error) {
    return c::made(error, [&] {
        return c::text_for_caller(scope_of(scope).address(c::required(service, "the service"), port_of(port)));
    });
}

char* davit_scope_url(davit_scope* scope, const char* service, int port, davit_error** error) {
    return c::made(error, [&] {
        return c::text_for_caller(scope_of(scope).url(c::required(service, "the service"), port_of(port)));
    });
}

char* davit_scope_log(davit_scope* scope, const char* service, davit_error** error) {
    return c::made(error, [&] { return c::text_for_caller(scope_of(scope).log(c::required(service, "the service"))); });
}

int davit_scope_wait(davit_scope* scope, const char* waits, double timeout, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        scope_of(scope).wait(c::waits_from(c::required(waits, "the waits")), c::nanoseconds_of(timeout, "the timeout"),
                             c::token(stop));
    });
}

int davit_scope_exec(davit_scope* scope, const char* service, const char* command, const char* input, size_t input_size,
                     davit_output output, void* user, int* exit_code, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        davit::Scope& held = scope_of(scope);
        const int code = exec_in(held.engine(), held.container(c::required(service, "the service")), command,
                                 {input ? input : "", input ? input_size : 0}, output, user, stop);
        if (exit_code) *exit_code = code;
    });
}

int davit_scope_up(davit_scope* scope, const char* options, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] { scope_of(scope).up(c::up_options(options), c::token(stop)); });
}

int davit_scope_down(davit_scope* scope, davit_error** error) {
    return c::guarded(error, [&] { scope_of(scope).down(); });
}
int davit_scope_release(davit_scope* scope, davit_error** error) {
    return c::guarded(error, [&] { scope_of(scope).release(); });
}
void davit_scope_free(davit_scope* scope) { delete scope; }
}
