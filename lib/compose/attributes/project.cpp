// The sections of a compose file.
#include "compose/attributes/rows.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr Row<Model> model_rows[] = {
    row<&Model::name>("name", text),
    row<&Model::model>("model", text),
    row<&Model::context_size>("context_size", integer),
    row<&Model::runtime_flags>("runtime_flags", text_list),
};
constexpr Table model_table(model_rows);
constexpr std::string_view model_required[] = {"model"};

constinit const Shape services{
    .noun = "services", .types = t_map, .values = &service, .keys = Keys::resource, .extensions = false};
constinit const Shape networks{.noun = "networks",
                               .types = t_map,
                               .values = &network,
                               .keys = Keys::resource,
                               .closed = false,
                               .extensions = false};
constinit const Shape volumes{
    .noun = "volumes", .types = t_map, .values = &volume, .keys = Keys::resource, .extensions = false};
constinit const Shape secrets{
    .noun = "secrets", .types = t_map, .values = &secret, .keys = Keys::resource, .extensions = false};
constinit const Shape configs{
    .noun = "configs", .types = t_map, .values = &config, .keys = Keys::resource, .extensions = false};
constinit const Shape models{
    .noun = "models", .types = t_map, .values = &model, .keys = Keys::resource, .closed = false, .extensions = false};
// include.cpp reads it, and judges its keys, before there is one document to check.
struct Include {};
constexpr Row<Include> include_rows[] = {
    row_of_shape<Include>("path", anything),
    row_of_shape<Include>("env_file", anything),
    row_of_shape<Include>("project_directory", anything),
};
constexpr Table include_table(include_rows);
constinit const Shape include_item{.fields = include_table};
constinit const Shape includes{.types = t_list, .items = &include_item};

// Written even if there are none.
struct ServiceMap {
    static void decode(Decoder& d, Node& n, std::map<std::string, Service>& out) {
        ObjectMap<Service>::decode(d, n, out);
        for (auto& [name, service] : out) service.name = name;
    }
    static Node* encode(Encoder& e, const std::map<std::string, Service>& all) {
        Node* n = ObjectMap<Service>::encode(e, all);
        return n ? n : e.tree.map();
    }
};
// The loader works it out before there is a model.
struct ProjectName {
    static void decode(Decoder&, Node&, std::string&) {}
    static Node* encode(Encoder& e, const std::string& name) { return e.tree.string(name); }
};

using P = Project;
constexpr Row<P> project_rows[] = {
    row_of_shape<P>("version", text),
    row<&P::name, ProjectName>("name", text),
    row_of_shape<P>("include", includes),
    row<&P::services, ServiceMap>("services", services),
    row<&P::networks, ObjectMap<Network>>("networks", networks)
        .each_value({.written = ShortForm::external, .check = Check::external_resource}),
    row<&P::volumes, ObjectMap<Volume>>("volumes", volumes)
        .each_value({.written = ShortForm::external, .path = HostPath::volume, .check = Check::external_volume}),
    row<&P::secrets, ObjectMap<Secret>>("secrets", secrets)
        .each_value({.written = ShortForm::external, .check = Check::secret_source}),
    row<&P::configs, ObjectMap<Config>>("configs", configs)
        .each_value({.written = ShortForm::external, .check = Check::config_source}),
    row<&P::models, YamlOnly<ObjectMap<Model>>>("models", models), // upstream's JSON lacks them
};
constexpr Table project_table(project_rows);

// external: {name: x}, the old spelling
struct External {};
constexpr Row<External> external_rows[] = {row_of_shape<External>("name", text)};
constexpr Table external_table(external_rows);

} // namespace

constinit const Shape shapes::external{.noun = "external", .types = t_bool | t_str | t_map, .fields = external_table};
constinit const Shape shapes::external_open{
    .noun = "external", .types = t_bool | t_str | t_map, .fields = external_table, .closed = false};
constinit const Shape shapes::model{
    .noun = "a model", .types = t_map, .fields = model_table, .required = model_required};
constinit const Shape shapes::project{.noun = "a compose file", .types = t_map, .fields = project_table};

template <>
Rows<Model> rows<Model>() {
    return model_table;
}

template <>
Rows<Project> rows<Project>() {
    return project_table;
}

Project decode_project(Tree& tree, Node& document, Diagnostics& diag) {
    Decoder d(tree, diag);
    Project out;
    for (const Attribute* a : rows<Project>())
        if (Node* section = document.find(a->key)) {
            auto step = d.path().key(a->key);
            static_cast<const Row<Project>*>(a)->decode(d, *section, out);
        }
    for (const Entry& e : document.map())
        if (e.key.substr(0, 2) == "x-") out.extensions.emplace(std::string(e.key), to_value(*e.value));
    return out;
}

Node* encode_project(Tree& tree, const Project& p, bool json) {
    Encoder e{tree, json};
    Node* out = encode_struct<Project>(e, p);
    if (json) // unlike those of services
        for (const auto& [key, value] : p.extensions) tree.add(*out, tree.copy(key), from_value(tree, value));
    return out;
}

} // namespace davit::compose
