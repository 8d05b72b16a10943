#include "build/image_form.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::build;

namespace {

ImageForm form(BuildOutput::Type type, std::map<std::string, std::string> attributes) {
    return image_form({type, "", std::move(attributes)});
}

} // namespace

TEST_CASE("an output says how its images are written") {
    using Type = BuildOutput::Type;
    const ImageForm usual = form(Type::image, {});
    CHECK_FALSE(usual.blobs);
    CHECK_FALSE(usual.docker);
    CHECK(form(Type::oci, {}).blobs);
    CHECK(form(Type::image, {{"compression", "zstd"}}).compression == image::BlobForm::zstd);
    CHECK(form(Type::image, {{"compression", "uncompressed"}}).compression == image::BlobForm::plain);
    CHECK(form(Type::image, {{"force-compression", "true"}}).blobs);
    CHECK(form(Type::image, {{"oci-mediatypes", "false"}}).docker);
    CHECK_THROWS_WITH(form(Type::image, {{"compression", "foo"}}), "unsupported compression type foo");
}

TEST_CASE("annotations have a place and perhaps a platform") {
    const ImageForm f = form(BuildOutput::Type::image, {{"annotation.a", "1"},
                                                        {"annotation-manifest[linux/arm64].b", "2"},
                                                        {"annotation[linux/amd64].a", "3"},
                                                        {"annotation-index.org.x", "4"},
                                                        {"annotation-index-descriptor.d", "5"},
                                                        {"annotation-manifest-descriptor.e", "6"},
                                                        {"annotation-none.f", "7"},
                                                        {"annotation.", "8"},
                                                        {"annotation[x", "9"}});
    CHECK(f.manifest_of("linux/amd64") == Annotations{{"a", "3"}});
    CHECK(f.manifest_of("linux/arm64") == Annotations{{"a", "1"}, {"b", "2"}});
    CHECK(f.index == Annotations{{"org.x", "4"}});
    CHECK(f.index_descriptor == Annotations{{"d", "5"}});
    CHECK(f.descriptor_of("linux/amd64") == Annotations{{"e", "6"}});
}
