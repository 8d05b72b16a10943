// Configs and secrets, and how a service uses them.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr Row<FileReference> reference_rows[] = {
    row<&FileReference::source>("source", text),
    row<&FileReference::target>("target", text),
    row<&FileReference::uid>("uid", text),
    row<&FileReference::gid>("gid", text),
    row<&FileReference::mode, FileMode>("mode", number_or_text),
};
constexpr Table reference_table(reference_rows);
constinit const Shape reference{
    .noun = "a config or secret of a service", .types = t_str | t_map, .fields = reference_table};

// The value of a variable is not written: it would stand beside `environment`.
constexpr Row<FileObject> content_row(std::string_view key, const Shape& shape) {
    return {{.key = key, .shape = &shape},
            [](Decoder& d, Node& n, FileObject& out) { Text::decode(d, n, out.content.emplace()); },
            [](Encoder& e, const FileObject& f) -> Node* {
                return f.content && f.environment.empty() ? Text::encode(e, *f.content) : nullptr;
            }};
}
constexpr Row<FileObject> value_row(std::string_view key, const Shape& shape) {
    return {{.key = key, .shape = &shape}, content_row(key, shape).decode, [](Encoder&, const FileObject&) -> Node* {
                return nullptr;
            }};
}

constexpr Row<FileObject> secret_rows[] = {
    row<&FileObject::name>("name", text),
    row<&FileObject::file>("file", text, {.path = HostPath::host_path}),
    row<&FileObject::environment>("environment", text),
    row<&FileObject::external>("external", external_open, {.cast = Cast::boolean})
        .without_effect({"davit keeps no secrets; use file or environment"}),
    row<&FileObject::labels>("labels", list_or_map).without_effect({"nothing is made that could have labels"}),
    row<&FileObject::driver>("driver", text).without_effect({"davit has no secret drivers"}),
    row<&FileObject::driver_opts>("driver_opts", driver_opts).without_effect({"davit has no secret drivers"}),
    row<&FileObject::template_driver>("template_driver", text).without_effect({"davit has no template drivers"}),
    value_row("x-#value", anything),
};
constexpr Table secret_table(secret_rows);

constexpr Row<FileObject> config_rows[] = {
    row<&FileObject::name>("name", text),
    row<&FileObject::file>("file", text, {.path = HostPath::host_path}),
    row<&FileObject::environment>("environment", text),
    content_row("content", text),
    row<&FileObject::external>("external", external_open, {.cast = Cast::boolean})
        .without_effect({"davit keeps no configs; use file, environment or content"}),
    row<&FileObject::labels>("labels", list_or_map).without_effect({"nothing is made that could have labels"}),
    row<&FileObject::template_driver>("template_driver", text).without_effect({"davit has no template drivers"}),
    value_row("x-#value", anything),
};
constexpr Table config_table(config_rows);

} // namespace

constinit const Shape shapes::file_references{.types = t_list, .items = &reference};
constinit const Shape shapes::secret{.noun = "a secret", .types = t_map, .fields = secret_table};
constinit const Shape shapes::config{.noun = "a config", .types = t_map, .fields = config_table};

template <>
Rows<FileReference> rows<FileReference>() {
    return reference_table;
}

template <>
Rows<FileObject> rows<Secret>() {
    return secret_table;
}

template <>
Rows<FileObject> rows<Config>() {
    return config_table;
}

} // namespace davit::compose
