// Functions of hashes, passwords and UUIDs.
#include "bake/functions/function.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <dlfcn.h>

namespace davit::baking {

namespace {

template <Hasher::Kind kind>
Value hashed(const Arguments& a) {
    Hasher hasher(kind);
    hasher.update(text_of(a[0]));
    return Value::of(hasher.hex());
}

std::string with_dashes(const std::string& hex) {
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
           hex.substr(20, 12);
}

// RFC 9562: the version in the 13th digit, the variant in the 17th.
std::string uuid(std::string hex, char version) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex[12] = version;
    hex[16] = digits[8 | (digits.find(hex[16]) & 3)];
    return with_dashes(hex);
}

std::string bytes_of_uuid(const std::string& text) {
    const std::pair<std::string_view, std::string_view> known[] = {
        {"dns", "6ba7b8109dad11d180b400c04fd430c8"},
        {"url", "6ba7b8119dad11d180b400c04fd430c8"},
        {"oid", "6ba7b8129dad11d180b400c04fd430c8"},
        {"x500", "6ba7b8149dad11d180b400c04fd430c8"},
    };
    std::string hex = text;
    std::erase(hex, '-');
    for (const auto& [name, id] : known)
        if (text == name) hex = id;
    if (hex.size() != 32 || hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        throw error(Errc::usage, "uuidv5 has no namespace \"{}\"", text).with_hint("dns, url, oid, x500 or a UUID");
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2) out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return out;
}

Value uuid_of_name(const Arguments& a) {
    Hasher hasher(Hasher::Kind::sha1);
    hasher.update(bytes_of_uuid(text_of(a[0])) + text_of(a[1]));
    return Value::of(uuid(hasher.hex().substr(0, 32), '5'));
}

// libcrypt is loaded for it: hardly a file needs it.
Value bcrypt(const Arguments& a) {
    constexpr long long usual = 10, least = 4, most = 31;
    const long long cost = a.size() > 1 ? whole_of(a[1]) : usual;
    if (cost > most) throw error(Errc::usage, "bcrypt has costs from {} to {}, not {}", least, most, cost);
    void* library = ::dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = ::dlopen("libcrypt.so.2", RTLD_NOW | RTLD_LOCAL);
    using Salt = char* (*)(const char*, unsigned long, const char*, int, char*, int);
    using Crypt = char* (*)(const char*, const char*, void*, int);
    const auto salt = library ? reinterpret_cast<Salt>(::dlsym(library, "crypt_gensalt_rn")) : nullptr;
    const auto crypt = library ? reinterpret_cast<Crypt>(::dlsym(library, "crypt_rn")) : nullptr;
    if (!salt || !crypt)
        throw error(Errc::unsupported, "bcrypt is not to be had: libcrypt has no crypt_rn()")
            .with_hint("install libxcrypt (libcrypt1)");
    char setting[192];
    std::vector<char> room(64 * 1024); // struct crypt_data is half of it
    const char* made = salt("$2a$", static_cast<unsigned long>(cost < least ? usual : cost), nullptr, 0, setting,
                            static_cast<int>(sizeof setting));
    const char* out = made ? crypt(text_of(a[0]).c_str(), made, room.data(), static_cast<int>(room.size())) : nullptr;
    if (!out) throw error(Errc::unsupported, "libcrypt has no bcrypt");
    return Value::of(out);
}

const Function functions[] = {
    {"bcrypt", 1, 2, bcrypt},
    {"md5", 1, 1, hashed<Hasher::Kind::md5>},
    {"rsadecrypt", 2, 2,
     [](const Arguments&) -> Value {
         throw error(Errc::unsupported, "rsadecrypt is not supported")
             .with_hint("decrypt before, and give the result as a variable of the environment");
     }},
    {"sha1", 1, 1, hashed<Hasher::Kind::sha1>},
    {"sha256", 1, 1, hashed<Hasher::Kind::sha256>},
    {"sha512", 1, 1, hashed<Hasher::Kind::sha512>},
    {"uuidv4", 0, 0, [](const Arguments&) { return Value::of(uuid(sys::random_hex(32), '4')); }},
    {"uuidv5", 2, 2, uuid_of_name},
};

} // namespace

std::span<const Function> hash_functions() { return functions; }

} // namespace davit::baking
