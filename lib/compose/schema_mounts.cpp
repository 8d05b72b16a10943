#include "compose/schema.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr std::int64_t least_size = 0;
constexpr std::string_view recursions[] = {"enabled", "disabled", "writable", "readonly"};
const Shape recursion{.types = t_str, .words = recursions};
constexpr std::string_view relabels[] = {"z", "Z"};
const Shape relabel{.types = t_str, .words = relabels};
const Field bind_fields[] = {
    {"propagation", &text},
    {"create_host_path", &bool_or_text},
    {"recursive", &recursion},
    {"selinux", &relabel},
};
const Shape bind{.noun = "bind", .types = t_map, .fields = bind_fields};
const Field volume_fields[] = {{"labels", &list_or_map}, {"nocopy", &bool_or_text}, {"subpath", &text}};
const Shape volume{.noun = "volume", .types = t_map, .fields = volume_fields};
const Shape size{.types = t_int | t_str, .least = &least_size};
const Field tmpfs_fields[] = {{"size", &size}, {"mode", &number_or_text}};
const Shape tmpfs{.noun = "tmpfs", .types = t_map, .fields = tmpfs_fields};
const Field image_fields[] = {{"subpath", &text}};
const Shape image{.noun = "image", .types = t_map, .fields = image_fields};

constexpr std::string_view mount_types[] = {"bind", "volume", "tmpfs", "cluster", "npipe", "image"};
const Shape mount_type{.types = t_str, .words = mount_types};
const Field mount_fields[] = {
    {"type", &mount_type},        {"source", &text},      {"target", &text},
    {"read_only", &bool_or_text}, {"consistency", &text}, {"bind", &bind},
    {"volume", &volume},          {"tmpfs", &tmpfs},      {"image", &image},
};
constexpr std::string_view mount_required[] = {"type"};
const Shape mount{
    .noun = "a volume of a service", .types = t_str | t_map, .fields = mount_fields, .required = mount_required};

} // namespace

const Shape schema_volume_mounts{.types = t_list, .items = &mount, .unique = true};

} // namespace davit::compose
