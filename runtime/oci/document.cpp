#include "runtime/oci/document.hpp"

#include "base/error.hpp"
#include "base/json_text.hpp"
#include "runtime/oci/as_it_came.hpp"
#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/json_text.hpp"
#include "runtime/oci/old_form.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime {
namespace oci {
namespace {

constexpr char oci_version[] = "1.3.0";
constexpr char format_key[] = "dev.davit.format", format[] = "2";

void document(Fields& f, Spec& s) {
    f.object("process", [&] { process(f, s.process); });
    f.object("root", [&] { root(f, s.root); });
    f.member("hostname", s.hostname);
    f.member("domainname", s.domainname);
    f.list("mounts", s.mounts, mount);
    f.object("hooks", [&] { hooks(f, s.hooks); });
    f.object("linux", [&] { linux_part(f, s); });
    f.own("id", s.id);
    f.own("symlinks", s.symlinks);
    f.own("openPortsAndPing", s.open_ports_and_ping);
    f.own("init", s.init);
    f.own("groupMemory", s.group_memory);
    f.own("groupCpuQuota", s.group_cpu_quota);
}

// Those of the user that look like davit's own are put aside.
Annotations split(Annotations& all) {
    Annotations reserved;
    for (auto it = all.lower_bound(std::string(own_prefix)); it != all.end() && it->first.starts_with(own_prefix);)
        reserved.insert(all.extract(it++));
    return reserved;
}

json written(Spec spec) {
    json doc{{"ociVersion", oci_version}};
    Annotations own, reserved = split(spec.annotations);
    Fields f = Fields::writer(doc, own);
    document(f, spec);
    f.own("annotations", reserved);
    // Nothing of davit's in a bundle that has nothing of davit's.
    if (!own.empty() || is_old_form(spec.annotations)) own[format_key] = format;
    own.merge(spec.annotations);
    if (!own.empty()) doc["annotations"] = own;
    return doc;
}

Spec read(const json& doc) {
    Spec spec;
    Annotations own;
    Fields f = Fields::reader(doc, own, spec.unknown_fields);
    std::string version;
    if (!f.find("ociVersion")) f.refuse("ociVersion is missing");
    f.decode_at("ociVersion", doc["ociVersion"], version);
    if (const json* all = f.find("annotations")) f.decode_at("annotations", *all, own);
    if (is_old_form(own)) return from_old_form(own);
    document(f, spec);
    f.finish();
    Annotations reserved;
    f.own("annotations", reserved);
    own.erase(format_key);
    spec.annotations = std::move(own);
    spec.annotations.merge(reserved);
    spec.as_it_came = differences(doc, written(spec));
    return spec;
}

} // namespace
} // namespace oci

std::string to_json(const Spec& spec) {
    try {
        oci::json doc = oci::written(spec);
        oci::put_back(doc, spec.as_it_came);
        return davit::json::strict_text(doc, 1) + "\n";
    } catch (const oci::json::exception& e) { // text that is not UTF-8
        throw error(Errc::invalid_project, "the container's configuration cannot be written as JSON: {}", e.what());
    }
}

Spec spec_from_json(const std::string& text, const std::string& file) {
    try {
        return oci::read(oci::parsed(text));
    } catch (const Error& e) {
        throw error(Errc::failed, "{} is not a container's configuration: {}", file, e.what())
            .with_hint("remove the container and create it anew with 'davit up'");
    }
}

std::vector<std::string> not_acted_on(const Spec& spec) {
    Spec copy = spec;
    std::vector<std::string> found = spec.unknown_fields;
    oci::Fields f = oci::Fields::idle_finder(found);
    oci::document(f, copy);
    return found;
}

} // namespace davit::runtime
