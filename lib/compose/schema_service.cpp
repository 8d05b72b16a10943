#include "compose/schema.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr std::int64_t zero = 0, hundred = 100, oom_least = -1000, oom_most = 1000;

const Shape cpu_count{.types = t_int | t_str, .least = &zero};
const Shape cpu_percent{.types = t_int | t_str, .least = &zero, .most = &hundred};
const Shape oom_score_adj{.types = t_int | t_str, .least = &oom_least, .most = &oom_most};

const Field rate_fields[] = {{"path", &text}, {"rate", &integer_or_text}};
const Shape rate{.noun = "a device rate", .types = t_map, .fields = rate_fields, .extensions = false};
const Shape rates{.types = t_list, .items = &rate};
const Field weight_fields[] = {{"path", &text}, {"weight", &integer_or_text}};
const Shape weight{.noun = "a device weight", .types = t_map, .fields = weight_fields, .extensions = false};
const Shape weights{.types = t_list, .items = &weight};
const Field blkio_fields[] = {
    {"device_read_bps", &rates},   {"device_read_iops", &rates}, {"device_write_bps", &rates},
    {"device_write_iops", &rates}, {"weight", &integer_or_text}, {"weight_device", &weights},
};
const Shape blkio{.noun = "blkio_config", .types = t_map, .fields = blkio_fields, .extensions = false};

constexpr std::string_view cgroups[] = {"host", "private"};
const Shape cgroup{.types = t_str, .words = cgroups};
const Shape container_name{.types = t_str, .pattern = Pattern::container_name};
const Shape pull_policy{.types = t_str, .pattern = Pattern::pull_policy};

const Field credential_fields[] = {{"config", &text}, {"file", &text}, {"registry", &text}};
const Shape credential_spec{.noun = "credential_spec", .types = t_map, .fields = credential_fields};

constexpr std::string_view conditions[] = {"service_started", "service_healthy", "service_completed_successfully"};
const Shape condition{.types = t_str, .words = conditions};
const Field dependency_fields[] = {{"restart", &bool_or_text}, {"required", &boolean}, {"condition", &condition}};
constexpr std::string_view dependency_required[] = {"condition"};
const Shape dependency{
    .noun = "a dependency", .types = t_map, .fields = dependency_fields, .required = dependency_required};
const Shape depends_on{.types = t_list | t_map,
                       .values = &dependency,
                       .keys = Keys::resource,
                       .extensions = false,
                       .items = &text,
                       .unique = true};

const Field device_fields[] = {{"source", &text}, {"target", &text}, {"permissions", &text}};
constexpr std::string_view device_required[] = {"source"};
const Shape device{.noun = "a device", .types = t_str | t_map, .fields = device_fields, .required = device_required};
const Shape devices{.types = t_list, .items = &device};

const Field env_file_fields[] = {{"path", &text}, {"format", &text}, {"required", &bool_or_text}};
constexpr std::string_view env_file_required[] = {"path"};
const Shape env_file_item{.noun = "an env_file",
                          .types = t_str | t_map,
                          .fields = env_file_fields,
                          .extensions = false,
                          .required = env_file_required};
const Shape env_file{.types = t_str | t_list, .items = &env_file_item};
const Shape label_file{.types = t_str | t_list, .items = &text};

const Field extends_fields[] = {{"service", &text}, {"file", &text}};
constexpr std::string_view extends_required[] = {"service"};
const Shape extends{.noun = "extends",
                    .types = t_str | t_map,
                    .fields = extends_fields,
                    .extensions = false,
                    .required = extends_required};

const Shape option_item{.types = t_str | t_num | t_bool};
const Shape option{.types = t_str | t_num | t_bool | t_list, .items = &option_item};
const Shape options{.types = t_map, .values = &option, .extensions = false};
const Field provider_fields[] = {{"type", &text}, {"options", &options}};
constexpr std::string_view provider_required[] = {"type"};
const Shape provider{.noun = "a provider", .types = t_map, .fields = provider_fields, .required = provider_required};

constexpr std::string_view all[] = {"all"};
const Field gpu_fields[] = {
    {"capabilities", &unique_texts}, {"count", &integer_or_text}, {"device_ids", &unique_texts}, {"driver", &text},
    {"options", &list_or_map},
};
const Shape gpu{.noun = "a gpu", .types = t_map, .fields = gpu_fields, .closed = false};
const Shape gpus{.types = t_str | t_list, .items = &gpu, .words = all};

const Shape test{.types = t_str | t_list, .items = &text};
const Field health_fields[] = {
    {"disable", &bool_or_text}, {"interval", &text},     {"retries", &number_or_text}, {"test", &test},
    {"timeout", &text},         {"start_period", &text}, {"start_interval", &text},
};
const Shape healthcheck{.noun = "a healthcheck", .types = t_map, .fields = health_fields};

const Shape log_option{.types = t_str | t_num | t_null};
const Shape log_options{.types = t_map, .values = &log_option, .extensions = false};
const Field logging_fields[] = {{"driver", &text}, {"options", &log_options}};
const Shape logging{.noun = "logging", .types = t_map, .fields = logging_fields};

const Field model_fields[] = {{"endpoint_var", &text}, {"model_var", &text}};
const Shape model{.noun = "a model of a service", .types = t_map | t_null, .fields = model_fields};
const Shape models{.types = t_list | t_map,
                   .values = &model,
                   .keys = Keys::resource,
                   .closed = false,
                   .extensions = false,
                   .items = &text,
                   .unique = true};

const Field network_fields[] = {
    {"aliases", &unique_texts},        {"interface_name", &text},
    {"ipv4_address", &text},           {"ipv6_address", &text},
    {"link_local_ips", &unique_texts}, {"mac_address", &text},
    {"driver_opts", &driver_opts},     {"priority", &number},
    {"gw_priority", &number},
};
const Shape network{.noun = "a network of a service", .types = t_map | t_null, .fields = network_fields};
const Shape networks{.types = t_list | t_map,
                     .values = &network,
                     .keys = Keys::resource,
                     .extensions = false,
                     .items = &text,
                     .unique = true};

const Field port_fields[] = {
    {"name", &text},
    {"mode", &text},
    {"host_ip", &text},
    {"target", &integer_or_text},
    {"published", &integer_or_text},
    {"protocol", &text},
    {"app_protocol", &text},
};
const Shape port{.noun = "a port", .types = t_num | t_str | t_map, .fields = port_fields};
const Shape ports{.types = t_list, .items = &port, .unique = true};

const Shape hooks{.types = t_list, .items = &hook};
const Shape pre_start{.types = t_list, .items = &pre_start_hook};
const Shape storage_opt{.types = t_map, .closed = false};

const Field service_fields[] = {
    {"annotations", &list_or_map},
    {"attach", &bool_or_text},
    {"blkio_config", &blkio},
    {"build", &schema_build},
    {"cap_add", &unique_texts},
    {"cap_drop", &unique_texts},
    {"cgroup", &cgroup},
    {"cgroup_parent", &text},
    {"command", &command},
    {"configs", &file_references},
    {"container_name", &container_name},
    {"cpu_count", &cpu_count},
    {"cpu_percent", &cpu_percent},
    {"cpu_period", &number_or_text},
    {"cpu_quota", &number_or_text},
    {"cpu_rt_period", &number_or_text},
    {"cpu_rt_runtime", &number_or_text},
    {"cpu_shares", &number_or_text},
    {"cpus", &number_or_text},
    {"cpuset", &text},
    {"credential_spec", &credential_spec},
    {"depends_on", &depends_on},
    {"deploy", &schema_deploy},
    {"develop", &schema_develop},
    {"device_cgroup_rules", &unique_texts},
    {"devices", &devices},
    {"dns", &text_or_list},
    {"dns_opt", &unique_texts},
    {"dns_search", &text_or_list},
    {"domainname", &text},
    {"entrypoint", &command},
    {"env_file", &env_file},
    {"environment", &list_or_map},
    {"expose", &text_or_number_list},
    {"extends", &extends},
    {"external_links", &unique_texts},
    {"extra_hosts", &extra_hosts},
    {"gpus", &gpus},
    {"group_add", &text_or_number_list},
    {"healthcheck", &healthcheck},
    {"hostname", &text},
    {"image", &text},
    {"init", &bool_or_text},
    {"ipc", &text},
    {"isolation", &text},
    {"label_file", &label_file},
    {"labels", &list_or_map},
    {"links", &unique_texts},
    {"logging", &logging},
    {"mac_address", &text},
    {"mem_limit", &number_or_text},
    {"mem_reservation", &integer_or_text},
    {"mem_swappiness", &integer_or_text},
    {"memswap_limit", &number_or_text},
    {"models", &models},
    {"network_mode", &text},
    {"networks", &networks},
    {"oom_kill_disable", &bool_or_text},
    {"oom_score_adj", &oom_score_adj},
    {"pid", &text_or_null},
    {"pids_limit", &number_or_text},
    {"platform", &text},
    {"ports", &ports},
    {"post_start", &hooks},
    {"pre_start", &pre_start},
    {"pre_stop", &hooks},
    {"privileged", &bool_or_text},
    {"profiles", &unique_texts},
    {"provider", &provider},
    {"pull_policy", &pull_policy},
    {"pull_refresh_after", &text},
    {"read_only", &bool_or_text},
    {"restart", &text},
    {"runtime", &text},
    {"scale", &integer_or_text},
    {"secrets", &file_references},
    {"security_opt", &unique_texts},
    {"shm_size", &number_or_text},
    {"stdin_open", &bool_or_text},
    {"stop_grace_period", &text},
    {"stop_signal", &text},
    {"storage_opt", &storage_opt},
    {"sysctls", &list_or_map},
    {"tmpfs", &text_or_list},
    {"tty", &bool_or_text},
    {"ulimits", &ulimits},
    {"use_api_socket", &boolean},
    {"user", &text},
    {"userns_mode", &text},
    {"uts", &text},
    {"volumes", &schema_volume_mounts},
    {"volumes_from", &unique_texts},
    {"working_dir", &text},
};

} // namespace

const Shape schema_service{.noun = "a service", .types = t_map, .fields = service_fields};

} // namespace davit::compose
