#include "base/error.hpp"

#include "c/handles.hpp"
#include "davit/load.hpp"
#include "davit/to_string.hpp"
#include "davit/version.hpp"
#include "davit/wait.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>

namespace davit::c {

namespace {

using Json = nlohmann::json;

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json place_json(const SourcePos& at) { return {{"file", at.file}, {"line", at.line}, {"column", at.column}}; }

Json error_document(const Error& e) {
    Json out = place_json(e.at());
    out["kind"] = to_string(e.kind());
    out["message"] = e.what();
    out["resource"] = e.resource();
    out["errno"] = e.os().value();
    out["context"] = e.context();
    out["hint"] = e.hint();
    out["exit_code"] = e.exit_code();
    if (const auto* wrong = dynamic_cast<const LoadError*>(&e)) {
        out["diagnostics"] = Json::array();
        for (const Diagnostic& d : wrong->diagnostics()) {
            Json one = place_json(d.at);
            one["severity"] = to_string(d.severity);
            one["path"] = d.path;
            one["message"] = d.message;
            one["hint"] = d.hint;
            out["diagnostics"].push_back(std::move(one));
        }
    }
    if (const auto* late = dynamic_cast<const WaitError*>(&e)) {
        out["timed_out"] = late->timed_out();
        out["unmet"] = Json::array();
        for (const Unmet& u : late->unmet())
            out["unmet"].push_back({{"wait", to_string(u.wait)},
                                    {"kind", to_string(u.wait.kind)},
                                    {"service", u.wait.service},
                                    {"why", u.why},
                                    {"container", u.container},
                                    {"last_lines", u.last_lines}});
    }
    return out;
}

davit_error* error_for_caller(const Error& e) {
    const auto* wrong = dynamic_cast<const LoadError*>(&e);
    return new davit_error{static_cast<int>(e.kind()) + 1, e.what(), wrong ? wrong->describe_all() : e.describe(),
                           dumped(error_document(e))};
}

} // namespace

int caught(davit_error** error) noexcept {
    int kind = DAVIT_FAILED;
    try {
        try {
            throw;
        } catch (const Error& e) {
            kind = static_cast<int>(e.kind()) + 1;
            if (error) *error = error_for_caller(e);
        } catch (const std::exception& e) {
            if (error) *error = error_for_caller(Error(Errc::failed, e.what()));
        } catch (...) {
            if (error) *error = error_for_caller(Error(Errc::failed, "an exception of an unknown kind"));
        }
    } catch (...) { // no memory for the error
        if (error) *error = nullptr;
    }
    return kind;
}

char* text_for_caller(const std::string& text) {
    char* out = static_cast<char*>(std::malloc(text.size() + 1));
    if (!out) throw std::bad_alloc();
    std::memcpy(out, text.c_str(), text.size() + 1);
    return out;
}

std::string required(const char* text, const char* what) {
    if (!text) throw error(Errc::usage, "{} is NULL", what);
    return text;
}

Engine& engine_of(davit_engine* engine) {
    if (!engine) throw error(Errc::usage, "the engine is NULL");
    return engine->engine;
}

ContainerInfo first_of(davit_engine* engine, const char* project, const char* service) {
    const std::string of = required(project, "the project's name"), wanted = required(service, "the service");
    for (ContainerInfo& found : engine_of(engine).containers(of))
        if (!found.oneoff && found.service == wanted) return std::move(found);
    throw error(Errc::not_found, "service {} of project {} has no container", wanted, of)
        .with_resource("service:" + wanted);
}

} // namespace davit::c

extern "C" {

int davit_c_abi(void) { return DAVIT_C_ABI; }
const char* davit_version_text(void) { return davit::version(); }
void davit_free(char* text) { std::free(text); }

int davit_error_kind(const davit_error* error) { return error ? error->kind : DAVIT_OK; }
const char* davit_error_message(const davit_error* error) { return error ? error->message.c_str() : ""; }
const char* davit_error_describe(const davit_error* error) { return error ? error->description.c_str() : ""; }
const char* davit_error_json(const davit_error* error) { return error ? error->json.c_str() : "{}"; }
void davit_error_free(davit_error* error) { delete error; }

davit_stop* davit_stop_new(void) {
    return davit::c::made(nullptr, [] { return new davit_stop(); });
}
void davit_stop_request(davit_stop* stop) {
    if (stop) stop->source.request_stop();
}
void davit_stop_free(davit_stop* stop) { delete stop; }
}
