// What davit/davit.h has of whole projects beside up and down: which there are, their images and their history.
#include "base/error.hpp"
#include "c/handles.hpp"
#include "c/json_options.hpp"
#include "c/options.hpp"
#include "davit/boot.hpp"
#include "davit/revisions.hpp"

namespace {

using namespace davit;

char* document_for_caller(const c::Json& value) {
    return c::text_for_caller(value.dump(-1, ' ', false, c::Json::error_handler_t::replace));
}

std::optional<std::chrono::seconds> whole_seconds(const std::optional<std::chrono::nanoseconds>& limit) {
    if (!limit) return std::nullopt;
    return std::chrono::ceil<std::chrono::seconds>(*limit);
}

PullOptions pull_options(const char* text) {
    PullOptions o;
    c::Fields f(c::parsed(text, "the options of pull"), "the options of pull");
    f.take("services", o.services);
    f.word("policy", o.policy, {PullMode::by_service, PullMode::always, PullMode::missing, PullMode::never});
    f.take("ignore_failures", o.ignore_failures);
    f.end();
    return o;
}

RollbackOptions rollback_options(const char* text) {
    RollbackOptions o;
    c::Fields f(c::parsed(text, "the options of rollback"), "the options of rollback");
    f.take("to", o.to);
    f.take("wait", o.wait);
    if (const auto limit = whole_seconds(f.seconds("wait_timeout"))) o.wait_timeout = *limit;
    o.timeout = f.seconds("timeout");
    f.end();
    return o;
}

c::Json document_of(const ProjectInfo& project) {
    c::Json containers = c::Json::object();
    for (const auto& [state, count] : project.containers) containers[to_string(state)] = count;
    return {{"name", project.name},
            {"working_dir", project.working_dir},
            {"files", project.config_files},
            {"containers", std::move(containers)}};
}

c::Json document_of(const ProjectOutcome& outcome) {
    c::Json out{{"project", outcome.project}, {"started", c::Json::array()}, {"errors", c::Json::array()}};
    for (const BootStep& step : outcome.steps)
        if (step.kind == BootStep::Kind::start) out["started"].push_back(step.container);
    for (const Error& failure : outcome.failures) out["errors"].push_back(failure.describe());
    return out;
}

} // namespace

extern "C" {

char* davit_projects(davit_engine* engine, davit_error** error) {
    return c::made(error, [&] {
        c::Json out = c::Json::array();
        for (const ProjectInfo& project : c::engine_of(engine).projects()) out.push_back(document_of(project));
        return document_for_caller(out);
    });
}

int davit_pull(davit_engine* engine, const char* project, const char* options, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] {
        davit::Engine& with = c::engine_of(engine);
        with.pull(c::project_from(c::required(project, "the project")), pull_options(options), c::token(stop));
    });
}

char* davit_revisions(davit_engine* engine, const char* name, davit_error** error) {
    return c::made(error, [&] {
        c::Json out = c::Json::array();
        for (const Revision& r : revisions(c::engine_of(engine), c::required(name, "the project's name")))
            out.push_back({{"number", r.number},
                           {"created", r.created},
                           {"command", r.command},
                           {"changes", r.changes},
                           {"failed", r.failed}});
        return document_for_caller(out);
    });
}

char* davit_rollback(davit_engine* engine, const char* name, const char* options, davit_stop* stop,
                     davit_error** error) {
    return c::made(error, [&] {
        davit::Engine& with = c::engine_of(engine);
        const RolledBack done =
            with.rollback(c::required(name, "the project's name"), rollback_options(options), c::token(stop));
        return document_for_caller({{"to", done.to}, {"made", done.made}});
    });
}

char* davit_boot(davit_engine* engine, davit_stop* stop, davit_error** error) {
    return c::made(error, [&] {
        c::Json out = c::Json::array();
        for (const ProjectOutcome& o : c::engine_of(engine).boot({}, c::token(stop))) out.push_back(document_of(o));
        return document_for_caller(out);
    });
}

} // extern "C"
