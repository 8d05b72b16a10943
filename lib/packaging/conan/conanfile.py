"""davit as a Conan 2 package, from this checkout: conan create lib/packaging/conan --build=missing

The libraries that it needs come from the machine (Debian's -dev packages), as the packages of lib/packaging/debian.cmake have them:
the helper programs beside the containers are linked with them as well.
"""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load


class Davit(ConanFile):
    name = "davit"
    description = "Compose files to running containers, with nothing in between"
    license = "Apache-2.0"
    topics = ("compose", "containers", "testing")
    settings = "os", "arch", "compiler", "build_type"
    package_type = "library"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._root, "lib", "include", "davit", "version.hpp"))
        self.version = re.search(r'DAVIT_VERSION "(.*)"', text)[1]

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("davit is for Linux")

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "*.md", "lib/*", "cli/*", "net/*", "runtime/*", "man/*", "samples/embed*", "docs/*"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["DAVIT_TESTS"] = False
        toolchain.cache_variables["CMAKE_UNITY_BUILD"] = True
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # The package's own davitConfig.cmake says it all.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("lib", "cmake", "davit")]
        self.cpp_info.libs = ["davit"]
        if not self.options.shared:
            self.cpp_info.system_libs = ["fmt", "yaml-cpp", "seccomp", "nl-3", "z", "zstd", "dl", "pthread"]
        self.runenv_info.define_path("DAVIT_LIBEXEC", os.path.join(self.package_folder, "libexec", "davit"))
