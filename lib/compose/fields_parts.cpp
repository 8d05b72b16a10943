#include "compose/fields.hpp"

namespace davit::compose {

namespace {

constexpr EnumWord<DependencyCondition> kConditions[] = {
    {"service_started", DependencyCondition::started},
    {"service_healthy", DependencyCondition::healthy},
    {"service_completed_successfully", DependencyCondition::completed_successfully},
};
constexpr EnumWord<MountType> kMountTypes[] = {
    {"bind", MountType::bind},   {"volume", MountType::volume}, {"tmpfs", MountType::tmpfs},
    {"npipe", MountType::npipe}, {"image", MountType::image},   {"cluster", MountType::cluster},
};

// A mark of normalize(), not of the file.
struct InferredMark {
    static void decode(Decoder& d, Node& n, bool& out) { Flag::decode(d, n, out); }
    static Node* encode(Encoder&, const bool&) { return nullptr; }
};

// Upstream's JSON drops zeros, and is then refused: the YAML has them.
struct UlimitNumber {
    template <typename T>
    static void decode(Decoder& d, Node& n, T& out) {
        Integer::decode(d, n, out);
    }
    template <typename T>
    static Node* encode(Encoder& e, const T& v) {
        return v || !e.json ? e.tree.integer(v) : nullptr;
    }
};
// Zero is written too.
struct BlkioRate {
    static void decode(Decoder& d, Node& n, std::int64_t& out) { Bytes::decode(d, n, out); }
    static Node* encode(Encoder& e, const std::int64_t& v) { return e.tree.string(std::to_string(v)); }
};
struct BlkioWeight {
    template <typename T>
    static void decode(Decoder& d, Node& n, T& out) {
        Integer::decode(d, n, out);
    }
    template <typename T>
    static Node* encode(Encoder& e, const T& v) {
        return e.tree.integer(v);
    }
};
// Upstream's JSON has these keys with capitals.
template <auto Member, typename F>
constexpr auto blkio_row(std::string_view key, std::string_view json_key) {
    auto out = row<Member, F>(key);
    out.json_key = json_key;
    return out;
}

} // namespace

template <>
std::span<const Row<EnvFile>> rows<EnvFile>() {
    using S = EnvFile;
    static constexpr Row<S> table[] = {row<&S::path>("path"), row<&S::required, TrueUnlessFalse>("required"),
                                       row<&S::format>("format")};
    return table;
}

template <>
std::span<const Row<HealthCheck>> rows<HealthCheck>() {
    using S = HealthCheck;
    static constexpr Row<S> table[] = {
        row<&S::test, HealthTest>("test"),     row<&S::timeout>("timeout"),
        row<&S::interval>("interval"),         row<&S::retries>("retries"),
        row<&S::start_period>("start_period"), row<&S::start_interval>("start_interval"),
        row<&S::disable>("disable"),
    };
    return table;
}

template <>
std::span<const Row<Provider>> rows<Provider>() {
    using S = Provider;
    static constexpr Row<S> table[] = {row<&S::type>("type"), row<&S::options, ProviderOptions>("options")};
    return table;
}

template <>
std::span<const Row<ServiceModel>> rows<ServiceModel>() {
    using S = ServiceModel;
    static constexpr Row<S> table[] = {row<&S::endpoint_var>("endpoint_var"), row<&S::model_var>("model_var")};
    return table;
}

template <>
std::span<const Row<Dependency>> rows<Dependency>() {
    using S = Dependency;
    static constexpr Row<S> table[] = {
        row<&S::condition, Enum<DependencyCondition, kConditions>>("condition"),
        row<&S::restart>("restart"),
        row<&S::required, AlwaysFlag>("required"),
        row<&S::inferred, InferredMark>("x-#inferred"),
    };
    return table;
}

template <>
std::span<const Row<Logging>> rows<Logging>() {
    using S = Logging;
    static constexpr Row<S> table[] = {row<&S::driver>("driver"), row<&S::options>("options")};
    return table;
}

template <>
std::span<const Row<Extends>> rows<Extends>() {
    using S = Extends;
    static constexpr Row<S> table[] = {row<&S::service>("service"), row<&S::file>("file")};
    return table;
}

template <>
std::span<const Row<ServiceNetwork>> rows<ServiceNetwork>() {
    using S = ServiceNetwork;
    static constexpr Row<S> table[] = {
        row<&S::aliases>("aliases"),           row<&S::ipv4_address>("ipv4_address"),
        row<&S::ipv6_address>("ipv6_address"), row<&S::link_local_ips>("link_local_ips"),
        row<&S::mac_address>("mac_address"),   row<&S::interface_name>("interface_name"),
        row<&S::priority>("priority"),         row<&S::gw_priority>("gw_priority"),
        row<&S::driver_opts>("driver_opts"),
    };
    return table;
}

template <>
std::span<const Row<Port>> rows<Port>() {
    using S = Port;
    static constexpr Row<S> table[] = {
        row<&S::name>("name"),
        row<&S::mode>("mode"),
        row<&S::host_ip>("host_ip"),
        row<&S::target>("target"),
        row<&S::published>("published"),
        row<&S::protocol>("protocol"),
        row<&S::app_protocol>("app_protocol"),
    };
    return table;
}

template <>
std::span<const Row<Mount::Bind>> rows<Mount::Bind>() {
    using S = Mount::Bind;
    static constexpr Row<S> table[] = {
        row<&S::propagation>("propagation"),
        row<&S::create_host_path, TrueUnlessFalse>("create_host_path"),
        row<&S::recursive>("recursive"),
        row<&S::selinux>("selinux"),
    };
    return table;
}

template <>
std::span<const Row<Mount::Volume>> rows<Mount::Volume>() {
    using S = Mount::Volume;
    static constexpr Row<S> table[] = {row<&S::labels>("labels"), row<&S::nocopy>("nocopy"),
                                       row<&S::subpath>("subpath")};
    return table;
}

template <>
std::span<const Row<Mount::Tmpfs>> rows<Mount::Tmpfs>() {
    using S = Mount::Tmpfs;
    static constexpr Row<S> table[] = {row<&S::size, Bytes>("size"), row<&S::mode>("mode")};
    return table;
}

template <>
std::span<const Row<Mount::Image>> rows<Mount::Image>() {
    using S = Mount::Image;
    static constexpr Row<S> table[] = {row<&S::subpath>("subpath")};
    return table;
}

template <>
std::span<const Row<Mount>> rows<Mount>() {
    using S = Mount;
    static constexpr Row<S> table[] = {
        row<&S::type, Enum<MountType, kMountTypes>>("type"),
        row<&S::source>("source"),
        row<&S::target, ContainerPath>("target"),
        row<&S::read_only>("read_only"),
        row<&S::consistency>("consistency"),
        row<&S::bind, OptionalObject<Mount::Bind>>("bind"),
        row<&S::volume, OptionalObject<Mount::Volume>>("volume"),
        row<&S::tmpfs, OptionalObject<Mount::Tmpfs>>("tmpfs"),
        row<&S::image, OptionalObject<Mount::Image>>("image"),
    };
    return table;
}

template <>
std::span<const Row<FileReference>> rows<FileReference>() {
    using S = FileReference;
    static constexpr Row<S> table[] = {
        row<&S::source>("source"), row<&S::target>("target"),       row<&S::uid>("uid"),
        row<&S::gid>("gid"),       row<&S::mode, FileMode>("mode"),
    };
    return table;
}

template <>
std::span<const Row<CredentialSpec>> rows<CredentialSpec>() {
    using S = CredentialSpec;
    static constexpr Row<S> table[] = {row<&S::config>("config"), row<&S::file>("file"), row<&S::registry>("registry")};
    return table;
}

template <>
std::span<const Row<Device>> rows<Device>() {
    using S = Device;
    static constexpr Row<S> table[] = {row<&S::source>("source"), row<&S::target>("target"),
                                       row<&S::permissions>("permissions")};
    return table;
}

template <>
std::span<const Row<Ulimit>> rows<Ulimit>() {
    using S = Ulimit;
    static constexpr Row<S> table[] = {row<&S::soft, UlimitNumber>("soft"), row<&S::hard, UlimitNumber>("hard")};
    return table;
}

template <>
std::span<const Row<BlkioConfig::Weight>> rows<BlkioConfig::Weight>() {
    using S = BlkioConfig::Weight;
    static constexpr Row<S> table[] = {blkio_row<&S::path, Text>("path", "Path"),
                                       blkio_row<&S::weight, BlkioWeight>("weight", "Weight")};
    return table;
}

template <>
std::span<const Row<BlkioConfig::Rate>> rows<BlkioConfig::Rate>() {
    using S = BlkioConfig::Rate;
    static constexpr Row<S> table[] = {blkio_row<&S::path, Text>("path", "Path"),
                                       blkio_row<&S::rate, BlkioRate>("rate", "Rate")};
    return table;
}

template <>
std::span<const Row<BlkioConfig>> rows<BlkioConfig>() {
    using S = BlkioConfig;
    using Rates = ObjectList<BlkioConfig::Rate>;
    static constexpr Row<S> table[] = {
        row<&S::weight>("weight"),
        row<&S::weight_device, ObjectList<BlkioConfig::Weight>>("weight_device"),
        row<&S::device_read_bps, Rates>("device_read_bps"),
        row<&S::device_read_iops, Rates>("device_read_iops"),
        row<&S::device_write_bps, Rates>("device_write_bps"),
        row<&S::device_write_iops, Rates>("device_write_iops"),
    };
    return table;
}

} // namespace davit::compose
