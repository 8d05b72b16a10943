#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime::oci {

void hooks(Fields& f, Hooks& h) {
    auto hook = [](Fields& g, Hook& one) {
        g.always("path", one.path);
        g.member("args", one.args);
        g.member("env", one.env);
        g.member("timeout", one.timeout);
    };
    f.idle_list("prestart", h.prestart, hook);
    f.idle_list("createRuntime", h.create_runtime, hook);
    f.idle_list("createContainer", h.create_container, hook);
    f.idle_list("startContainer", h.start_container, hook);
    f.idle_list("poststart", h.poststart, hook);
    f.idle_list("poststop", h.poststop, hook);
}

} // namespace davit::runtime::oci
