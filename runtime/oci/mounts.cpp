#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/mount_options.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime::oci {
namespace {

constexpr std::pair<Mount::Kind, const char*> kind_names[] = {{Mount::Kind::overlay, "overlay"},
                                                              {Mount::Kind::peer, "peer"}};

// The kinds that OCI has no type for.
void own_kind(Fields& f, Mount& m) {
    std::string name;
    for (const auto& [kind, text] : kind_names)
        if (f.writing() && kind == m.kind) name = text;
    f.own("kind", name);
    for (const auto& [kind, text] : kind_names)
        if (f.reading() && name == text) m.kind = kind;
}

const char* type_of(const Mount& m) {
    switch (m.kind) {
    case Mount::Kind::bind:
    case Mount::Kind::peer: return "bind";
    case Mount::Kind::cgroup: return "cgroup";
    case Mount::Kind::overlay: return "overlay";
    case Mount::Kind::filesystem: break;
    }
    return m.type.c_str();
}

void write(Fields& f, Mount& m) {
    std::string type = type_of(m), source = m.subpath.empty() ? m.source : m.source + "/" + m.subpath;
    std::vector<std::string> options = options_of(m);
    // Where the data has a word that elsewhere is an option, how many of the last are data is told.
    Mount again;
    again.kind = m.kind;
    set_options(again, options, 0);
    std::size_t data = again.data == m.data ? 0 : words_of(m.data).size();
    f.member("type", type);
    f.member("source", source);
    f.member("options", options);
    f.own("dataOptions", data);
}

void read(Fields& f, Mount& m) {
    std::string type;
    std::vector<std::string> options;
    std::size_t data = 0;
    f.member("type", type);
    f.member("source", m.source);
    f.member("options", options);
    f.own("dataOptions", data);
    if (!m.subpath.empty() && m.source.ends_with("/" + m.subpath))
        m.source.resize(m.source.size() - m.subpath.size() - 1);
    if (m.kind == Mount::Kind::bind && !binds(options)) {
        m.kind = type == "cgroup" ? Mount::Kind::cgroup : Mount::Kind::filesystem;
        m.type = type;
    }
    set_options(m, options, data);
}

} // namespace

void mount(Fields& f, Mount& m) {
    f.always("destination", m.destination);
    f.own("subpath", m.subpath);
    own_kind(f, m);
    if (f.writing()) write(f, m);
    else if (f.reading()) read(f, m);
    else if (!m.other_options.empty()) f.tell("options");
    f.idle_list("uidMappings", m.uid_mappings, id_mapping);
    f.idle_list("gidMappings", m.gid_mappings, id_mapping);
}

} // namespace davit::runtime::oci
