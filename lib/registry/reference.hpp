// Names of images: [domain[:port]/]path[:tag][@digest], with Docker's rules for what is left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit::registry {

// "sha256:<64 hex>" or "sha512:<128 hex>".
bool is_digest(std::string_view text);

class Reference {
public:
    // Normalises: "redis" → docker.io/library/redis:latest. Throws Errc::usage "invalid reference
    // format …" naming the rule that is broken.
    static Reference parse(std::string_view text);
    static std::optional<Reference> try_parse(std::string_view text);

    const std::string& domain() const { return domain_; } // "docker.io", "localhost:5000"
    const std::string& path() const { return path_; }     // "library/redis"
    const std::string& tag() const { return tag_; }       // empty only when a digest is given without one
    const std::string& digest() const { return digest_; } // "sha256:…" or empty

    std::string name() const { return domain_ + "/" + path_; }
    std::string familiar_name() const; // "redis", "grafana/grafana", "localhost:5000/x"
    std::string canonical() const;     // "docker.io/library/redis:7@sha256:…"
    std::string familiar() const;      // "redis:7", "redis@sha256:…"
    // What follows ":" or "@" in a registry request: the digest if there is one, else the tag.
    const std::string& selector() const { return digest_.empty() ? tag_ : digest_; }

    Reference with_digest(std::string digest) const; // drops the tag

    bool operator==(const Reference&) const = default;

private:
    std::string domain_, path_, tag_, digest_;
};

} // namespace davit::registry
