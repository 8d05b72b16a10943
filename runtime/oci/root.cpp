#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime::oci {

// An overlay has no one directory: its topmost layer stands as "path", those below it are davit's own field.
void root(Fields& f, Root& r) {
    bool overlay = !r.overlay.lower.empty();
    std::vector<std::string> below;
    if (overlay) below.assign(r.overlay.lower.begin() + 1, r.overlay.lower.end());
    std::string& path = overlay ? r.overlay.lower.front() : r.path;
    f.member("path", path);
    f.member("readonly", r.readonly);
    f.own("overlay", overlay);
    f.own("lower", below);
    f.own("upper", r.overlay.upper);
    f.own("work", r.overlay.work);
    if (!f.reading() || !overlay) return;
    r.overlay.lower = {std::move(r.path)};
    r.overlay.lower.insert(r.overlay.lower.end(), below.begin(), below.end());
    r.path.clear();
}

} // namespace davit::runtime::oci
