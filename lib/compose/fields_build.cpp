#include "compose/fields.hpp"

namespace davit::compose {

namespace {
// A watch rule's exec is written in JSON even if it is not given.
struct WatchExec {
    static void decode(Decoder& d, Node& n, std::optional<ServiceHook>& out) {
        OptionalObject<ServiceHook>::decode(d, n, out);
    }
    static Node* encode(Encoder& e, const std::optional<ServiceHook>& v) {
        if (!v && !e.json) return nullptr;
        return encode_struct(e, v ? *v : ServiceHook());
    }
};
} // namespace

template <>
std::span<const Row<BuildConfig>> rows<BuildConfig>() {
    using S = BuildConfig;
    static constexpr Row<S> table[] = {
        row<&S::context>("context"),
        row<&S::dockerfile>("dockerfile"),
        row<&S::dockerfile_inline>("dockerfile_inline"),
        row<&S::entitlements>("entitlements"),
        row<&S::args>("args"),
        row<&S::provenance>("provenance"),
        row<&S::sbom>("sbom"),
        row<&S::ssh, SshKeys>("ssh"),
        row<&S::labels>("labels"),
        row<&S::cache_from>("cache_from"),
        row<&S::cache_to>("cache_to"),
        row<&S::no_cache>("no_cache"),
        row<&S::no_cache_filter>("no_cache_filter"),
        row<&S::additional_contexts>("additional_contexts"),
        row<&S::pull>("pull"),
        row<&S::extra_hosts>("extra_hosts"),
        row<&S::isolation>("isolation"),
        row<&S::network>("network"),
        row<&S::target>("target"),
        row<&S::secrets, ObjectList<FileReference>>("secrets"),
        row<&S::shm_size, Bytes>("shm_size"),
        row<&S::tags>("tags"),
        row<&S::ulimits, Ulimits>("ulimits"),
        row<&S::platforms>("platforms"),
        row<&S::privileged>("privileged"),
    };
    return table;
}

template <>
std::span<const Row<ServiceHook>> rows<ServiceHook>() {
    using S = ServiceHook;
    static constexpr Row<S> table[] = {
        row<&S::command>("command"),
        row<&S::image>("image"),
        row<&S::user>("user"),
        row<&S::privileged>("privileged"),
        row<&S::working_dir>("working_dir"),
        row<&S::environment>("environment"),
        row<&S::per_replica>("per_replica"),
    };
    return table;
}

template <>
std::span<const Row<WatchRule>> rows<WatchRule>() {
    using S = WatchRule;
    static constexpr Row<S> table[] = {
        row<&S::path>("path"),
        row<&S::action>("action"),
        row<&S::target>("target"),
        row<&S::include>("include"),
        row<&S::ignore>("ignore"),
        row<&S::exec, WatchExec>("exec"),
        row<&S::initial_sync>("initial_sync"),
    };
    return table;
}

template <>
std::span<const Row<Develop>> rows<Develop>() {
    using S = Develop;
    static constexpr Row<S> table[] = {row<&S::watch, ObjectList<WatchRule>>("watch")};
    return table;
}

} // namespace davit::compose
