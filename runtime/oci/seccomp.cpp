#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/json_text.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime::oci {
namespace {

constexpr char docker_default[] = "default", profile[] = "profile";

void tell_idle(Fields& f, const Seccomp& s) {
    const json filter = parsed(s.json);
    for (const char* key : {"listenerPath", "listenerMetadata"})
        if (filter.is_object() && filter.contains(key)) f.tell_below("seccomp", key);
}

} // namespace

// A bundle's filter stands where OCI has it, word for word. Docker's default one is only named, and a profile of
// Docker's format, which OCI's tools do not read, is davit's own field.
void seccomp(Fields& f, Seccomp& s) {
    const bool in_bundle = s.kind == Seccomp::Kind::profile && s.source_name == Seccomp::in_bundle;
    if (f.finding()) return in_bundle ? tell_idle(f, s) : void();
    if (f.writing() && in_bundle) {
        f.out()["seccomp"] = parsed(s.json);
        return;
    }
    std::string kind;
    if (s.kind != Seccomp::Kind::unconfined) kind = s.kind == Seccomp::Kind::profile ? profile : docker_default;
    if (f.reading()) kind.clear();
    f.own("seccomp", kind);
    if (f.writing() && kind == docker_default) return;
    f.own("seccompProfile", s.json);
    f.own("seccompSource", s.source_name);
    if (!f.reading()) return;
    s.kind = kind == docker_default ? Seccomp::Kind::docker_default
             : kind == profile      ? Seccomp::Kind::profile
                                    : Seccomp::Kind::unconfined;
    if (const json* filter = f.find("seccomp"); filter && kind.empty()) {
        if (!filter->is_object()) f.wrong_at("seccomp", "an object", *filter);
        s = {Seccomp::Kind::profile, filter->dump(), Seccomp::in_bundle};
    }
}

} // namespace davit::runtime::oci
