// `build:` of a service.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr Row<BuildConfig> build_rows[] = {
    row<&BuildConfig::context>("context", text, {.path = HostPath::context}),
    row<&BuildConfig::dockerfile>("dockerfile", text),
    row<&BuildConfig::dockerfile_inline>("dockerfile_inline", text),
    row<&BuildConfig::entitlements>("entitlements", text_list),
    row<&BuildConfig::args>("args", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&BuildConfig::provenance>("provenance", bool_or_text, {.written = ShortForm::text_of_bool}),
    row<&BuildConfig::sbom>("sbom", bool_or_text, {.written = ShortForm::text_of_bool}),
    row<&BuildConfig::ssh, SshKeys>("ssh", list_or_map, {.written = ShortForm::ssh})
        .each_value({.path = HostPath::host_path}),
    row<&BuildConfig::labels>("labels", list_or_map, {.merging = Merging::to_sequence, .identity = Identity::name}),
    row<&BuildConfig::cache_from>("cache_from", text_list),
    row<&BuildConfig::cache_to>("cache_to", text_list),
    row<&BuildConfig::no_cache>("no_cache", bool_or_text),
    row<&BuildConfig::no_cache_filter>("no_cache_filter", text_or_list),
    row<&BuildConfig::additional_contexts>(
        "additional_contexts", list_or_map,
        {.written = ShortForm::key_values, .merging = Merging::to_sequence, .identity = Identity::name})
        .each_value({.path = HostPath::context}),
    row<&BuildConfig::pull>("pull", bool_or_text),
    row<&BuildConfig::extra_hosts>("extra_hosts", extra_hosts, {.merging = Merging::extra_hosts}),
    row<&BuildConfig::isolation>("isolation", text)
        .without_effect({"it chooses between kinds of containers of Windows"}),
    row<&BuildConfig::network>("network", text),
    row<&BuildConfig::target>("target", text),
    row<&BuildConfig::secrets, ObjectList<FileReference>>("secrets", file_references)
        .each_item({.written = ShortForm::file_reference}),
    row<&BuildConfig::shm_size, Bytes>("shm_size", integer_or_text),
    row<&BuildConfig::tags>("tags", text_list, {.identity = Identity::name}),
    row<&BuildConfig::ulimits, Ulimits>("ulimits", ulimits),
    row<&BuildConfig::platforms>("platforms", text_list),
    row<&BuildConfig::privileged>("privileged", bool_or_text),
};
constexpr Table build_table(build_rows);

} // namespace

constinit const Shape shapes::build{.noun = "build", .types = t_str | t_map, .fields = build_table};

template <>
Rows<BuildConfig> rows<BuildConfig>() {
    return build_table;
}

} // namespace davit::compose
