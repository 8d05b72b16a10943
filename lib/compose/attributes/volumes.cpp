// Volumes of a project, and what a service mounts.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr EnumWord<MountType> mount_type_values[] = {
    {"bind", MountType::bind},   {"volume", MountType::volume}, {"tmpfs", MountType::tmpfs},
    {"npipe", MountType::npipe}, {"image", MountType::image},   {"cluster", MountType::cluster},
};
constexpr std::string_view mount_types[] = {"bind", "volume", "tmpfs", "cluster", "npipe", "image"};
constinit const Shape mount_type{.types = t_str, .words = mount_types};

constexpr std::string_view recursions[] = {"enabled", "disabled", "writable", "readonly"};
constinit const Shape recursion{.types = t_str, .words = recursions};
constexpr std::string_view relabels[] = {"z", "Z"};
constinit const Shape relabel{.types = t_str, .words = relabels};
constexpr Row<Mount::Bind> bind_rows[] = {
    row<&Mount::Bind::selinux>("selinux", relabel).without_effect({"davit sets no labels of SELinux"}),
    row<&Mount::Bind::propagation>("propagation", text),
    row<&Mount::Bind::create_host_path, TrueUnlessFalse>("create_host_path", bool_or_text),
    row<&Mount::Bind::recursive>("recursive", recursion),
};
constexpr Table bind_table(bind_rows);
constinit const Shape bind{.noun = "bind", .types = t_map, .fields = bind_table};

constexpr Row<Mount::Volume> mount_volume_rows[] = {
    row<&Mount::Volume::labels>("labels", list_or_map, {.merging = Merging::to_sequence}),
    row<&Mount::Volume::nocopy>("nocopy", bool_or_text, {.cast = Cast::boolean}),
    row<&Mount::Volume::subpath>("subpath", text),
};
constexpr Table mount_volume_table(mount_volume_rows);
constinit const Shape mount_volume{.noun = "volume", .types = t_map, .fields = mount_volume_table};

constexpr std::int64_t least_size = 0;
constinit const Shape size{.types = t_int | t_str, .least = &least_size};
constexpr Row<Mount::Tmpfs> tmpfs_rows[] = {
    row<&Mount::Tmpfs::size, Bytes>("size", size),
    row<&Mount::Tmpfs::mode>("mode", number_or_text),
};
constexpr Table tmpfs_table(tmpfs_rows);
constinit const Shape tmpfs{.noun = "tmpfs", .types = t_map, .fields = tmpfs_table};

constexpr Row<Mount::Image> image_rows[] = {
    row<&Mount::Image::subpath>("subpath", text),
};
constexpr Table image_table(image_rows);
constinit const Shape image{.noun = "image", .types = t_map, .fields = image_table};

constexpr Row<Mount> mount_rows[] = {
    row<&Mount::type, Enum<MountType, mount_type_values>>("type", mount_type)
        .without_effect({"it is for Windows containers", "npipe", "cluster volumes need Swarm", "cluster"}),
    row<&Mount::source>("source", text),
    row<&Mount::target, ContainerPath>("target", text),
    row<&Mount::read_only>("read_only", bool_or_text, {.cast = Cast::boolean}),
    row<&Mount::consistency>("consistency", text).without_effect({"it is for Docker Desktop"}),
    row<&Mount::bind, OptionalObject<Mount::Bind>>("bind", bind, {.filled = Default::bind}),
    row<&Mount::volume, OptionalObject<Mount::Volume>>("volume", mount_volume),
    row<&Mount::tmpfs, OptionalObject<Mount::Tmpfs>>("tmpfs", tmpfs),
    row<&Mount::image, OptionalObject<Mount::Image>>("image", image),
};
constexpr Table mount_table(mount_rows);
constexpr std::string_view mount_required[] = {"type"};
constinit const Shape mount{
    .noun = "a volume of a service", .types = t_str | t_map, .fields = mount_table, .required = mount_required};

constexpr std::string_view acted_options[] = {"type", "o", "device"};
constexpr Row<Volume> volume_rows[] = {
    row<&Volume::name>("name", text),
    row<&Volume::driver>("driver", text),
    row<&Volume::driver_opts>("driver_opts", driver_opts)
        .without_effect({.why = "davit does not know this option", .acted = acted_options}),
    row<&Volume::external>("external", external, {.cast = Cast::boolean}),
    row<&Volume::labels>("labels", list_or_map, {.merging = Merging::to_sequence}),
};
constexpr Table volume_table(volume_rows);

} // namespace

constinit const Shape shapes::mounts{.types = t_list, .items = &mount, .unique = true};
constinit const Shape shapes::volume{.noun = "a volume", .types = t_map | t_null, .fields = volume_table};

template <>
Rows<Mount::Bind> rows<Mount::Bind>() {
    return bind_table;
}

template <>
Rows<Mount::Volume> rows<Mount::Volume>() {
    return mount_volume_table;
}

template <>
Rows<Mount::Tmpfs> rows<Mount::Tmpfs>() {
    return tmpfs_table;
}

template <>
Rows<Mount::Image> rows<Mount::Image>() {
    return image_table;
}

template <>
Rows<Mount> rows<Mount>() {
    return mount_table;
}

template <>
Rows<Volume> rows<Volume>() {
    return volume_table;
}

} // namespace davit::compose
