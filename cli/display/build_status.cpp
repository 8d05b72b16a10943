#include "cli/display/build_status.hpp"

#include "base/date.hpp"
#include "base/hash.hpp"
#include "base/text_code.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

using Kind = BuildEvent::Kind;
using StatusJson = nlohmann::ordered_json;

StatusJson status_of(const std::string& vertex, const BuildEvent& e) {
    StatusJson out{{"id", e.text.empty() ? "transferring" : e.text}, {"vertex", vertex}};
    if (e.total) out["total"] = e.total;
    out["current"] = e.current;
    out["timestamp"] = rfc3339_nano(e.time_ns);
    out["started"] = rfc3339_nano(e.time_ns);
    if (!e.text.empty() || (e.total && e.current >= e.total)) out["completed"] = rfc3339_nano(e.time_ns);
    return out;
}

} // namespace

std::string SolveStatusLines::line(const BuildEvent& e) {
    Step& step = steps_[e.vertex];
    if (e.kind == Kind::started || e.kind == Kind::cached)
        step = {"sha256:" + sha256_hex(fmt::format("{} {} {}", ::getpid(), e.vertex, e.name)), e.name, e.time_ns};
    StatusJson out;
    if (e.kind == Kind::progress) {
        out["statuses"].push_back(status_of(step.digest, e));
    } else if (e.kind == Kind::log) {
        out["logs"].push_back({{"vertex", step.digest},
                               {"stream", e.stream},
                               {"data", base64_encode(e.text)},
                               {"timestamp", rfc3339_nano(e.time_ns)}});
    } else if (e.kind == Kind::warning) {
        out["warnings"].push_back({{"level", 1}, {"short", base64_encode(e.text)}});
    } else {
        StatusJson vertex{{"digest", step.digest}, {"name", step.name}, {"started", rfc3339_nano(step.began)}};
        if (e.kind != Kind::started) vertex["completed"] = rfc3339_nano(e.time_ns);
        if (e.kind == Kind::cached) vertex["cached"] = true;
        if (e.kind == Kind::failed) vertex["error"] = e.text;
        if (e.kind == Kind::cancelled) vertex["error"] = "context canceled";
        out["vertexes"].push_back(std::move(vertex));
    }
    return out.dump(-1, ' ', false, StatusJson::error_handler_t::replace);
}

} // namespace davit::cli
