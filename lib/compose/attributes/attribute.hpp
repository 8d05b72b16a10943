// What an attribute of the compose file is, as plain data: one row says its key, what may stand there, what is done
// with it on the way to the model, and whether davit acts on it. Everything that reads, checks, merges or prints
// compose files takes its table from these rows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace davit::compose {

enum Type : std::uint8_t { t_null = 1, t_bool = 2, t_int = 4, t_num = 8, t_str = 16, t_list = 32, t_map = 64 };
using Types = std::uint8_t;

// Which keys a mapping with free keys may have.
enum class Keys : std::uint8_t { any, resource /* [a-zA-Z0-9._-]+ */, lower /* others are not looked at */ };
enum class Pattern : std::uint8_t { none, container_name, pull_policy };

struct Attribute;

// The rows of one mapping, in the order they are printed.
class Fields {
public:
    constexpr Fields() = default;
    constexpr Fields(std::span<const Attribute* const> rows, std::span<const Attribute* const> sorted)
        : rows_(rows), sorted_(sorted) {}
    auto begin() const { return rows_.begin(); }
    auto end() const { return rows_.end(); }
    const Attribute* find(std::string_view key) const;

private:
    std::span<const Attribute*const> rows_, sorted_;
};

// What may stand at a place: the Compose specification's schema.
struct Shape {
    std::string_view noun{};       // "a service", for messages
    Types types = 0;               // 0 = anything
    Fields fields{};               // of a mapping
    const Shape* values = nullptr; // of a mapping with free keys
    Keys keys = Keys::any;
    bool closed = true;           // other keys are errors
    bool extensions = true;       // x- keys are allowed
    const Shape* items = nullptr; // of a list
    bool unique = false;          // no two items are equal
    std::span<const std::string_view> required{};
    std::span<const std::string_view> words{}; // the only texts allowed
    Pattern pattern = Pattern::none;
    const std::int64_t* least = nullptr; // of a number
    const std::int64_t* most = nullptr;
};

// A text becomes this when its variables are replaced, before anything looks at it.
enum class Cast : std::uint8_t { none, integer, real, boolean };

// The short form that is written out.
enum class ShortForm : std::uint8_t {
    none,
    build,
    depends_on,
    device,
    env_file,
    extends,
    external,
    file_reference,
    gpus,
    key_values,
    names,
    ports,
    ssh,
    text_of_bool,
    text_or_list,
    volume,
};

// How the value of a later file joins that of an earlier one; plain: mappings by key, lists one after the other.
enum class Merging : std::uint8_t {
    plain,
    replace,
    to_sequence,
    extra_hosts,
    build,
    depends_on,
    names,
    logging,
    ipam_config,
    ulimit
};

// What makes two items of a list the same, of which the later stays.
enum class Identity : std::uint8_t {
    none,
    name,
    mount_target,
    device_target,
    config_target,
    secret_target,
    path,
    expose,
    port
};

// What of it is a path of this machine, relative to the file.
enum class HostPath : std::uint8_t { none, file, host_path, context, extends_file, watch, mount, volume };

// What is filled in where nothing is given.
enum class Default : std::uint8_t { none, build, secret_target, port, device_request, bind };

// The rules about more than one of its values.
enum class Check : std::uint8_t {
    none,
    external_volume,
    external_resource,
    config_source,
    secret_source,
    mount_options,
    port_address,
    watch_path,
    device_request
};

struct Rules {
    Cast cast = Cast::none;
    ShortForm written = ShortForm::none;
    Merging merging = Merging::plain;
    Identity identity = Identity::none;
    HostPath path = HostPath::none;
    Default filled = Default::none;
    Check check = Check::none;
};

// Why it is read and has no effect.
struct Unacted {
    std::string_view why{};
    std::string_view only{};      // the value it is about; "" = any
    std::string_view other_why{}; // a second value
    std::string_view other{};
    std::span<const std::string_view>
        acted{}; // keys of a mapping, or values, that have an effect; it is about the others
};

struct Attribute {
    std::string_view key; // x-#… is davit's own mark, no attribute
    const Shape* shape;
    Rules rules{};
    Rules items{};  // of each item of its list
    Rules values{}; // of each value of its mapping with free keys
    Unacted unacted{};
    std::string_view json_key{}; // in JSON, if it is another one

    constexpr bool internal() const { return key.substr(0, 3) == "x-#"; }
};

} // namespace davit::compose
