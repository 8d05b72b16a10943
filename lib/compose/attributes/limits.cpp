// Devices and limits of a service.
#include "compose/attributes/rows.hpp"
#include "compose/formats.hpp"

namespace davit::compose {

using namespace shapes;

namespace {

constexpr Row<Device> device_rows[] = {
    row<&Device::source>("source", text),
    row<&Device::target>("target", text),
    row<&Device::permissions>("permissions", text),
};
constexpr Table device_table(device_rows);
constexpr std::string_view device_required[] = {"source"};
constinit const Shape device{
    .noun = "a device", .types = t_str | t_map, .fields = device_table, .required = device_required};

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
constexpr Row<Ulimit> ulimit_rows[] = {
    row<&Ulimit::soft, UlimitNumber>("soft", integer_or_text, {.cast = Cast::integer}),
    row<&Ulimit::hard, UlimitNumber>("hard", integer_or_text, {.cast = Cast::integer}),
};
constexpr Table ulimit_table(ulimit_rows);
constexpr std::string_view ulimit_required[] = {"soft", "hard"};
constinit const Shape ulimit{
    .noun = "a limit", .types = t_int | t_str | t_map, .fields = ulimit_table, .required = ulimit_required};

// Zero is written too, and a path that is not given.
struct BlkioPath {
    static void decode(Decoder& d, Node& n, std::string& out) { Text::decode(d, n, out); }
    static Node* encode(Encoder& e, const std::string& v) { return e.tree.string(v); }
};
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
constexpr Row<BlkioConfig::Weight> weight_rows[] = {
    row<&BlkioConfig::Weight::path, BlkioPath>("path", text).in_json("Path"),
    row<&BlkioConfig::Weight::weight, BlkioWeight>("weight", integer_or_text).in_json("Weight"),
};
constexpr Table weight_table(weight_rows);
constinit const Shape weight{.noun = "a device weight", .types = t_map, .fields = weight_table, .extensions = false};
constinit const Shape weights{.types = t_list, .items = &weight};

constexpr Row<BlkioConfig::Rate> rate_rows[] = {
    row<&BlkioConfig::Rate::path, BlkioPath>("path", text).in_json("Path"),
    row<&BlkioConfig::Rate::rate, BlkioRate>("rate", integer_or_text).in_json("Rate"),
};
constexpr Table rate_table(rate_rows);
constinit const Shape rate{.noun = "a device rate", .types = t_map, .fields = rate_table, .extensions = false};
constinit const Shape rates{.types = t_list, .items = &rate};
using Rates = ObjectList<BlkioConfig::Rate>;

constexpr Row<BlkioConfig> blkio_rows[] = {
    row<&BlkioConfig::weight>("weight", integer_or_text),
    row<&BlkioConfig::weight_device, ObjectList<BlkioConfig::Weight>>("weight_device", weights),
    row<&BlkioConfig::device_read_bps, Rates>("device_read_bps", rates),
    row<&BlkioConfig::device_read_iops, Rates>("device_read_iops", rates),
    row<&BlkioConfig::device_write_bps, Rates>("device_write_bps", rates),
    row<&BlkioConfig::device_write_iops, Rates>("device_write_iops", rates),
};
constexpr Table blkio_table(blkio_rows);

} // namespace

constinit const Shape shapes::devices{.types = t_list, .items = &device};
constinit const Shape shapes::ulimits{
    .noun = "ulimits", .types = t_map, .values = &ulimit, .keys = Keys::lower, .closed = false, .extensions = false};
constinit const Shape shapes::blkio_config{
    .noun = "blkio_config", .types = t_map, .fields = blkio_table, .extensions = false};

template <>
Rows<Device> rows<Device>() {
    return device_table;
}

template <>
Rows<Ulimit> rows<Ulimit>() {
    return ulimit_table;
}

template <>
Rows<BlkioConfig::Weight> rows<BlkioConfig::Weight>() {
    return weight_table;
}

template <>
Rows<BlkioConfig::Rate> rows<BlkioConfig::Rate>() {
    return rate_table;
}

template <>
Rows<BlkioConfig> rows<BlkioConfig>() {
    return blkio_table;
}

} // namespace davit::compose
