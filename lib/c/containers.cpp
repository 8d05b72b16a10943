// What davit/davit.h does with containers that are there: the verbs of services, files in and out.
#include "base/error.hpp"
#include "c/handles.hpp"
#include "c/json_options.hpp"
#include "davit/files.hpp"

#include <functional>
#include <string_view>

namespace {

using namespace davit;

struct Act {
    std::vector<std::string> services;
    Timeout timeout;
    std::string signal = "SIGKILL";
    bool stop_first = false, volumes = false, wait = false;
    std::chrono::seconds wait_timeout{0};
};

// Each verb takes its own options; another's is a mistake.
Act act_from(const char* text, std::string_view verb) {
    Act out;
    const std::string what = "the options of " + std::string(verb);
    c::Fields f(c::parsed(text, what.c_str()), what);
    f.take("services", out.services);
    if (verb == "stop" || verb == "restart") out.timeout = f.seconds("timeout");
    if (verb == "kill") f.take("signal", out.signal);
    if (verb == "rm") f.take("stop", out.stop_first), f.take("volumes", out.volumes);
    if (verb == "start") {
        f.take("wait", out.wait);
        if (const auto limit = f.seconds("wait_timeout"))
            out.wait_timeout = std::chrono::ceil<std::chrono::seconds>(*limit);
    }
    f.end();
    return out;
}

void act(davit::Engine& engine, const std::string& verb, const std::string& name, const Act& how,
         std::stop_token stop) {
    if (verb == "start") return engine.start(name, {how.services, how.wait, how.wait_timeout}, stop);
    if (verb == "stop") return engine.stop(name, {how.services, how.timeout}, stop);
    if (verb == "restart") return engine.restart(name, {how.services, false, how.timeout}, stop);
    if (verb == "kill") return engine.kill(name, {how.services, how.signal, false}, stop);
    if (verb == "pause") return engine.pause(name, how.services, stop);
    if (verb == "unpause") return engine.unpause(name, how.services, stop);
    if (verb == "rm") return engine.rm(name, {how.services, how.stop_first, how.volumes}, stop);
    throw error(Errc::usage, "there is no verb '{}'", verb)
        .with_hint("start, stop, restart, kill, pause, unpause and rm are verbs");
}

} // namespace

extern "C" {

int davit_act(davit_engine* engine, const char* verb, const char* name, const char* options, davit_stop* stop,
              davit_error** error) {
    return c::guarded(error, [&] {
        const std::string word = c::required(verb, "the verb");
        act(c::engine_of(engine), word, c::required(name, "the project's name"), act_from(options, word),
            c::token(stop));
    });
}

int davit_copy_from(davit_engine* engine, const char* name, const char* service, const char* path, const char* to,
                    davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        copy_from(c::engine_of(engine), c::first_of(engine, name, service), c::required(path, "the path"),
                  c::required(to, "the target"), {}, c::token(stop));
    });
}

int davit_copy_to(davit_engine* engine, const char* name, const char* service, const char* from, const char* path,
                  davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        copy_to(c::engine_of(engine), c::first_of(engine, name, service), c::required(from, "the source"),
                c::required(path, "the path"), {}, c::token(stop));
    });
}

int davit_read_tar(davit_engine* engine, const char* name, const char* service, const char* path, int fd,
                   davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        read_tar(c::engine_of(engine), c::first_of(engine, name, service), c::required(path, "the path"), fd, {},
                 c::token(stop));
    });
}

int davit_write_tar(davit_engine* engine, const char* name, const char* service, const char* path, int fd,
                    davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        write_tar(c::engine_of(engine), c::first_of(engine, name, service), c::required(path, "the path"), fd,
                  c::token(stop));
    });
}

} // extern "C"
