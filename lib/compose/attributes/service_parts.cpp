// The parts of a service that fit no other file of this folder.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr Row<EnvFile> env_file_rows[] = {
    row<&EnvFile::path>("path", text, {.path = HostPath::file}),
    row<&EnvFile::required, TrueUnlessFalse>("required", bool_or_text),
    row<&EnvFile::format>("format", text),
};
constexpr Table env_file_table(env_file_rows);
constexpr std::string_view env_file_required[] = {"path"};
constinit const Shape env_file_item{.noun = "an env_file",
                                    .types = t_str | t_map,
                                    .fields = env_file_table,
                                    .extensions = false,
                                    .required = env_file_required};

constinit const Shape test{.types = t_str | t_list, .items = &text};
constexpr Row<HealthCheck> health_rows[] = {
    row<&HealthCheck::test, HealthTest>("test", test, {.merging = Merging::replace}),
    row<&HealthCheck::timeout>("timeout", text),
    row<&HealthCheck::interval>("interval", text),
    row<&HealthCheck::retries>("retries", number_or_text, {.cast = Cast::integer}),
    row<&HealthCheck::start_period>("start_period", text),
    row<&HealthCheck::start_interval>("start_interval", text),
    row<&HealthCheck::disable>("disable", bool_or_text, {.cast = Cast::boolean}),
};
constexpr Table health_table(health_rows);

constinit const Shape option_item{.types = t_str | t_num | t_bool};
constinit const Shape option{.types = t_str | t_num | t_bool | t_list, .items = &option_item};
constinit const Shape options{.types = t_map, .values = &option, .extensions = false};
constexpr Row<Provider> provider_rows[] = {
    row<&Provider::type>("type", text),
    row<&Provider::options, ProviderOptions>("options", options),
};
constexpr Table provider_table(provider_rows);
constexpr std::string_view provider_required[] = {"type"};

constexpr Row<ServiceModel> model_rows[] = {
    row<&ServiceModel::endpoint_var>("endpoint_var", text),
    row<&ServiceModel::model_var>("model_var", text),
};
constexpr Table model_table(model_rows);
constinit const Shape service_model{.noun = "a model of a service", .types = t_map | t_null, .fields = model_table};

constexpr EnumWord<DependencyCondition> condition_values[] = {
    {"service_started", DependencyCondition::started},
    {"service_healthy", DependencyCondition::healthy},
    {"service_completed_successfully", DependencyCondition::completed_successfully},
    {"service_completed", DependencyCondition::completed},
};
constexpr std::string_view conditions[] = {"service_started", "service_healthy", "service_completed_successfully",
                                           "service_completed"};
constinit const Shape condition{.types = t_str, .words = conditions};
// A mark of normalize(), not of the file.
struct InferredMark {
    static void decode(Decoder& d, Node& n, bool& out) { Flag::decode(d, n, out); }
    static Node* encode(Encoder&, const bool&) { return nullptr; }
};
constexpr Row<Dependency> dependency_rows[] = {
    row<&Dependency::condition, Enum<DependencyCondition, condition_values>>("condition", condition),
    row<&Dependency::restart>("restart", bool_or_text, {.cast = Cast::boolean}),
    row<&Dependency::required, AlwaysFlag>("required", boolean, {.cast = Cast::boolean}),
    row<&Dependency::inferred, InferredMark>("x-#inferred", anything),
};
constexpr Table dependency_table(dependency_rows);
constexpr std::string_view dependency_required[] = {"condition"};
constinit const Shape dependency{
    .noun = "a dependency", .types = t_map, .fields = dependency_table, .required = dependency_required};

// The options are the driver's, and any key may stand there: these are those davit has no use for.
struct LogOptions {};
constexpr std::string_view no_attributes = "lines of davit's logs have no attributes";
constexpr std::string_view not_compressed = "rotated log files stay as they are";
constinit const Shape log_option{.types = t_str | t_num | t_null};
constexpr Row<LogOptions> log_option_rows[] = {
    row_of_shape<LogOptions>("compress", log_option).without_effect({not_compressed, "true", not_compressed, "1"}),
    row_of_shape<LogOptions>("mode", log_option)
        .without_effect({"a container waits until its line is written", "non-blocking"}),
    row_of_shape<LogOptions>("max-buffer-size", log_option)
        .without_effect({"a container waits until its line is written"}),
    row_of_shape<LogOptions>("labels", log_option).without_effect({no_attributes}),
    row_of_shape<LogOptions>("labels-regex", log_option).without_effect({no_attributes}),
    row_of_shape<LogOptions>("env", log_option).without_effect({no_attributes}),
    row_of_shape<LogOptions>("env-regex", log_option).without_effect({no_attributes}),
    row_of_shape<LogOptions>("tag", log_option).without_effect({no_attributes}),
};
constexpr Table log_option_table(log_option_rows);
constinit const Shape log_options{
    .types = t_map, .fields = log_option_table, .values = &log_option, .extensions = false};
constexpr Row<Logging> logging_rows[] = {
    row<&Logging::driver>("driver", text),
    row<&Logging::options>("options", log_options),
};
constexpr Table logging_table(logging_rows);

constexpr Row<Extends> extends_rows[] = {
    row<&Extends::service>("service", text),
    row<&Extends::file>("file", text, {.path = HostPath::extends_file}),
};
constexpr Table extends_table(extends_rows);
constexpr std::string_view extends_required[] = {"service"};

constexpr Row<CredentialSpec> credential_rows[] = {
    row<&CredentialSpec::config>("config", text),
    row<&CredentialSpec::file>("file", text),
    row<&CredentialSpec::registry>("registry", text),
};
constexpr Table credential_table(credential_rows);

} // namespace

constinit const Shape shapes::env_file{.types = t_str | t_list, .items = &env_file_item};
constinit const Shape shapes::healthcheck{.noun = "a healthcheck", .types = t_map, .fields = health_table};
constinit const Shape shapes::provider{
    .noun = "a provider", .types = t_map, .fields = provider_table, .required = provider_required};
constinit const Shape shapes::service_models{.types = t_list | t_map,
                                             .values = &service_model,
                                             .keys = Keys::resource,
                                             .closed = false,
                                             .extensions = false,
                                             .items = &text,
                                             .unique = true};
constinit const Shape shapes::depends_on{.types = t_list | t_map,
                                         .values = &dependency,
                                         .keys = Keys::resource,
                                         .extensions = false,
                                         .items = &text,
                                         .unique = true};
constinit const Shape shapes::logging{.noun = "logging", .types = t_map, .fields = logging_table};
constinit const Shape shapes::extends{.noun = "extends",
                                      .types = t_str | t_map,
                                      .fields = extends_table,
                                      .extensions = false,
                                      .required = extends_required};
constinit const Shape shapes::credential_spec{.noun = "credential_spec", .types = t_map, .fields = credential_table};

template <>
Rows<EnvFile> rows<EnvFile>() {
    return env_file_table;
}

template <>
Rows<HealthCheck> rows<HealthCheck>() {
    return health_table;
}

template <>
Rows<Provider> rows<Provider>() {
    return provider_table;
}

template <>
Rows<ServiceModel> rows<ServiceModel>() {
    return model_table;
}

template <>
Rows<Dependency> rows<Dependency>() {
    return dependency_table;
}

template <>
Rows<Logging> rows<Logging>() {
    return logging_table;
}

template <>
Rows<Extends> rows<Extends>() {
    return extends_table;
}

template <>
Rows<CredentialSpec> rows<CredentialSpec>() {
    return credential_table;
}

} // namespace davit::compose
